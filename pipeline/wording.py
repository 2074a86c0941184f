"""The one table of labels and phrases, English and Chinese, for figures and page; and how numbers are written.

Direction words are taken from the interval, never from the estimate alone: an interval that holds zero says
"little changed". The index is the meteorological condition index, MCI (气象条件评估指数).
"""

from __future__ import annotations

import math
from typing import Literal

from pipeline.vocabulary import GROUPS
from pipeline.vocabulary import pollutant as known_pollutant

Language = Literal["en", "zh"]
LEAST_R2 = 0.3
"""Below this R² on held-out months a caution is printed: less than a third of the days' variance is explained."""
Direction = Literal["lowered", "raised", "little"]

PHRASES: dict[str, tuple[str, str]] = {
    # names
    "language": ("English", "中文"),
    "title": ("Weather or emissions? {name}", "天帮忙还是人努力？{name}"),
    "subtitle": (
        "How much of a change was the weather (天帮忙), how much the emissions (人努力); {start} to {end}",
        "空气质量变化中气象条件（天帮忙）与排放（人努力）各占多少；{start} 至 {end}",
    ),
    "region": ("region", "区域"),
    "city": ("city", "城市"),
    "station": ("station", "点位"),
    "mci": ("MCI", "MCI"),
    "mean": ("mean", "平均"),
    "p90": ("90th percentile", "第90百分位数"),
    "statistic_mean": ("annual mean", "年均浓度"),
    "statistic_mean_mda8": ("annual mean of the daily maximum 8-hour means", "日最大8小时平均浓度的年均值"),
    "statistic_p90_mda8": (
        "90th percentile of the daily maximum 8-hour means",
        "日最大8小时平均浓度第90百分位数",
    ),
    # headline sentences
    "fell": (
        "From {first} to {last} the {statistic} fell by {size} {units} ({percent} %), from {before} to {after}.",
        "{last}年{statistic}为{after}{units}，较{first}年的{before}{units}下降{size}{units}（{percent}%）。",
    ),
    "rose": (
        "From {first} to {last} the {statistic} rose by {size} {units} ({percent} %), from {before} to {after}.",
        "{last}年{statistic}为{after}{units}，较{first}年的{before}{units}上升{size}{units}（{percent}%）。",
    ),
    "stayed": (
        "From {first} to {last} the {statistic} stayed at {after} {units}.",
        "{last}年{statistic}为{after}{units}，与{first}年持平。",
    ),
    "weather_lowered": (
        "The weather lowered it: {value} {units} (90 % interval {low} to {high}).",
        "气象条件使其下降：{value}{units}（90%区间{low}至{high}）；",
    ),
    "weather_raised": (
        "The weather raised it: {value} {units} (90 % interval {low} to {high}).",
        "气象条件使其上升：{value}{units}（90%区间{low}至{high}）；",
    ),
    "weather_little": (
        "The weather alone left it little changed: {value} {units} (90 % interval {low} to {high}, which holds zero).",
        "气象条件的影响基本持平：{value}{units}（90%区间{low}至{high}，含零）；",
    ),
    "emissions_lowered": (
        "The emissions lowered it: {value} {units} ({low} to {high}).",
        "排放变化使其下降：{value}{units}（{low}至{high}）；",
    ),
    "emissions_raised": (
        "The emissions raised it: {value} {units} ({low} to {high}).",
        "排放变化使其上升：{value}{units}（{low}至{high}）；",
    ),
    "emissions_little": (
        "The emissions alone left it little changed: {value} {units} ({low} to {high}, which holds zero).",
        "排放变化的影响基本持平：{value}{units}（{low}至{high}，含零）；",
    ),
    "residual_sentence": (
        "Neither explains the remaining {value} {units} (residual).",
        "两者均未解释的残差为{value}{units}。",
    ),
    "index_lowered": (
        (
            "The meteorological condition index (MCI) of {last} was {value} ({low} to {high}; base period = 100): "
            "favourable weather."
        ),
        "{last}年气象条件评估指数（MCI）为{value}（{low}至{high}，基准期为100），气象条件有利。",
    ),
    "index_raised": (
        (
            "The meteorological condition index (MCI) of {last} was {value} ({low} to {high}; base period = 100): "
            "unfavourable weather."
        ),
        "{last}年气象条件评估指数（MCI）为{value}（{low}至{high}，基准期为100），气象条件不利。",
    ),
    "index_little": (
        (
            "The meteorological condition index (MCI) of {last} was {value} ({low} to {high}; base period = 100): "
            "the weather was little different from the base period's."
        ),
        "{last}年气象条件评估指数（MCI）为{value}（{low}至{high}，基准期为100），气象条件与基准期基本持平。",
    ),
    "event_differs": (
        (
            "On days of {event} ({percent} % of days) the concentration at fixed emissions differs by {value} {units} "
            "({low} to {high}) from that of other days of the same months."
        ),
        "固定排放下，{event}日（占{percent}%）浓度与同月其他日相差{value}{units}（{low}至{high}）。",
    ),
    "event_little": (
        (
            "On days of {event} ({percent} % of days) the concentration at fixed emissions is about that of other days "
            "of the same months: {value} {units} ({low} to {high}, which holds zero)."
        ),
        "固定排放下，{event}日（占{percent}%）浓度与同月其他日基本持平：{value}{units}（{low}至{high}，含零）。",
    ),
    "share_lowered": (
        (
            "The largest share in the weather's part is that of {group}, which lowered it: {value} {units} ({low} to "
            "{high})."
        ),
        "气象贡献中份额最大的是{group}，使其下降：{value}{units}（{low}至{high}）。",
    ),
    "share_raised": (
        (
            "The largest share in the weather's part is that of {group}, which raised it: {value} {units} ({low} to "
            "{high})."
        ),
        "气象贡献中份额最大的是{group}，使其上升：{value}{units}（{low}至{high}）。",
    ),
    "share_little": (
        "The largest share in the weather's part, {group}, is {value} {units} ({low} to {high}, which holds zero).",
        "气象贡献中份额最大的{group}为{value}{units}（{low}至{high}，含零）。",
    ),
    "slope_lowered": (
        (
            "From {start} to {end} the weather-normalized concentration fell: {value} {units} per year (90 % interval "
            "{low} to {high})."
        ),
        "{start}至{end}气象归一化浓度下降：每年{value}{units}（90%区间{low}至{high}）。",
    ),
    "slope_raised": (
        (
            "From {start} to {end} the weather-normalized concentration rose: {value} {units} per year (90 % interval "
            "{low} to {high})."
        ),
        "{start}至{end}气象归一化浓度上升：每年{value}{units}（90%区间{low}至{high}）。",
    ),
    "slope_little": (
        (
            "From {start} to {end} the weather-normalized concentration has no clear trend: {value} {units} per year "
            "(90 % interval {low} to {high}, which holds zero)."
        ),
        "{start}至{end}气象归一化浓度无明显趋势：每年{value}{units}（90%区间{low}至{high}，含零）。",
    ),
    "weak_skill": (
        (
            "Caution: on held-out months the model explains little of the days (R² {r2}, below {least}). Take the "
            "parts as hints, not as findings."
        ),
        "注意：模型对留出月份的解释能力弱（R²为{r2}，低于{least}），各部分贡献仅供参考，不宜作为结论。",
    ),
    "no_skill": (
        (
            "Caution: on held-out months the model predicts worse than the mean would (R² {r2}, below {least}). The "
            "parts cannot be relied on."
        ),
        "注意：模型对留出月份的预测不及均值（R²为{r2}，低于{least}），各部分贡献不可信。",
    ),
    # direction words of table cells
    "lowered": ("lowered", "下降"),
    "raised": ("raised", "上升"),
    "little": ("little changed", "基本持平"),
    "favourable": ("favourable", "有利"),
    "unfavourable": ("unfavourable", "不利"),
    "near_base": ("little changed", "基本持平"),
    # figures
    "trend_title": (
        "{place}: observed and weather-normalized {pollutant}",
        "{place}：{pollutant}观测浓度与气象归一化浓度",
    ),
    "trend_axis": ("{pollutant} ({units})", "{pollutant}浓度（{units}）"),
    "observed_monthly": ("observed, monthly mean", "观测，月平均"),
    "normalized_monthly": ("weather-normalized, monthly mean", "气象归一化，月平均"),
    "trend_line": (
        "trend of the {series}: {slope} [{low}, {high}] {units} per year",
        "{series}浓度趋势：每年{slope} [{low}, {high}] {units}",
    ),
    "change_point": ("change point, with the interval of its date", "变点及其日期区间"),
    "change_point_text": ("change point {date}: {percent} %", "变点{date}：{percent}%"),
    "trend_alt": (
        "Line chart: monthly observed and weather-normalized {pollutant} in {place}, {start} to {end}. {trend}",
        "折线图：{place} {pollutant}逐月观测浓度与气象归一化浓度，{start}至{end}。{trend}",
    ),
    "trend_caption": (
        (
            "Observed and weather-normalized {pollutant}. Trends are Theil-Sen slopes between the same months of "
            "different years, with 90 % intervals; a dotted line is a lasting step of what the weather leaves, its "
            "shade the interval of the date."
        ),
        (
            "{pollutant}观测浓度与气象归一化浓度。趋势为不同年份相同月份之间的Theil-Sen斜率及其90%区间；"
            "点线为去除气象影响后的持续性阶跃，阴影为其日期区间。"
        ),
    ),
    "drivers_title": (
        "{place}: weather's part of the change of {pollutant}, by driver",
        "{place}：{pollutant}气象贡献的驱动因子分解",
    ),
    "drivers_axis": ("weather's part ({units})", "气象贡献（{units}）"),
    "lowered_it": ("lowered it", "使其下降"),
    "raised_it": ("raised it", "使其上升"),
    "holds_zero": ("pale: 90 % interval holds zero", "浅色：90%区间含零"),
    "drivers_alt": (
        (
            "Waterfall chart: shares of the driver groups in the weather's part of the change of {pollutant} in "
            "{place}. {values}"
        ),
        "瀑布图：{place} {pollutant}变化的气象贡献中各驱动因子组的份额。{values}",
    ),
    "drivers_caption": (
        (
            "The weather's part of the change of {pollutant} between the base year and the last, split over groups of "
            "drivers by Shapley's rule; whiskers are 90 % intervals. The shares add up to the last bar."
        ),
        "基准年至末年{pollutant}变化中的气象贡献，按沙普利值分解到各驱动因子组，须线为90%区间；各份额之和等于最后一柱。",
    ),
    "dependence_title": (
        "{place}: {pollutant} and the weather of the day",
        "{place}：{pollutant}浓度对当日气象的依赖",
    ),
    "dependence_line": ("mean concentration at this value", "取该值时的平均浓度"),
    "dependence_days": ("how many days were near it", "接近该值的日数"),
    "dependence_alt": (
        "Small line charts: mean {pollutant} in {place} as one driver of the day varies. {values}",
        "小型折线图组：{place}当日某一气象因子变化时的{pollutant}平均浓度。{values}",
    ),
    "dependence_range": ("{driver}: {low} to {high} {units}", "{driver}：{low}至{high}{units}"),
    "dependence_caption": (
        (
            "Partial dependence of {pollutant} on the drivers that matter most: the mean over the record's days were "
            "the day's own value as shown and all else, also the days before, as observed. Band: 90 % interval; grey: "
            "where the days were. The model's answer, not proof of a cause."
        ),
        (
            "{pollutant}对主要气象因子的部分依赖：仅将当日值取为横轴值，其余（含此前数日）保持观测值，对全部日子取平均。"
            "色带为90%区间，灰色为实际日数分布。此为模型响应，并非因果证明。"
        ),
    ),
    "joint_title": (
        "{place}: {pollutant} and two drivers of the day",
        "{place}：{pollutant}浓度对当日两个气象因子的依赖",
    ),
    "joint_axis": ("{pollutant} ({units})", "{pollutant}浓度（{units}）"),
    "joint_alt": (
        "Filled contours: mean {pollutant} in {place} as two drivers of the day vary. {values}",
        "填色等值线图：{place}当日两个气象因子变化时的{pollutant}平均浓度。{values}",
    ),
    "joint_highest": (
        "Highest, {value} {units}, at {first} and {second}.",
        "最高为{value}{units}，出现在{first}、{second}。",
    ),
    "joint_caption": (
        (
            "Partial dependence of {pollutant} on the two drivers with the strongest joint effect. Blank: no day of "
            "the record was near."
        ),
        "{pollutant}对联合影响最强的两个气象因子的部分依赖。空白处无相近的日子。",
    ),
    "index_title": ("{place}: meteorological condition index of {pollutant}", "{place}：{pollutant}气象条件评估指数"),
    "index_axis": ("MCI (base = 100)", "MCI（基准期=100）"),
    "years": ("years", "逐年"),
    "months": ("months", "逐月"),
    "interval_90": ("90 % interval", "90%区间"),
    "favourable_below": ("favourable (below 100)", "有利（低于100）"),
    "unfavourable_above": ("unfavourable (above 100)", "不利（高于100）"),
    "index_alt": (
        (
            "Chart: meteorological condition index of {pollutant} in {place} by year and by month; 100 is the base "
            "period. {values}"
        ),
        "图：{place} {pollutant}逐年与逐月气象条件评估指数，基准期为100。{values}",
    ),
    "index_caption": (
        (
            "Meteorological condition index (MCI) of {pollutant} by year and by month, with its 90 % interval. Base "
            "period {base} = 100; below: favourable weather."
        ),
        "{pollutant}气象条件评估指数（MCI）逐年、逐月变化及其90%区间。基准期{base}为100，低于100表示气象条件有利。",
    ),
    "events_title": (
        "{place}: {pollutant} at fixed emissions on days of extreme weather",
        "{place}：固定排放下极端天气日的{pollutant}浓度",
    ),
    "events_axis": ("against other days ({units})", "与其他日之差（{units}）"),
    "events_alt": (
        (
            "Chart: {pollutant} in {place} at fixed emissions on days of each event against other days of the same "
            "months. {values}"
        ),
        "图：{place}固定排放下各类事件日{pollutant}浓度与同月其他日之差。{values}",
    ),
    "events_caption": (
        (
            "{pollutant} at the emissions of the base period {base}: mean of days of each event minus other days, "
            "within the same months (90 % interval as whiskers) and plainly; on the right the share of days."
        ),
        (
            "{pollutant}在基准期（{base}）排放下各类事件日与其他日平均浓度之差：同月比较（须线为90%区间）与直接比较；"
            "右侧为事件日占比。"
        ),
    ),
    "within_months": ("other days of the same months, 90 % interval", "与同月其他日之差，90%区间"),
    "plain_difference": ("other days of any season", "与全部其他日之差（不分季节）"),
    "share_of_days": ("share of days", "日数占比"),
    "bars_title": ("{place}: change of {pollutant} since {first}", "{place}：{pollutant}较{first}年的变化"),
    "bars_axis": ("change ({units})", "变化（{units}）"),
    "observed_change": ("observed change", "观测变化"),
    "weather_part": ("weather's part", "气象贡献"),
    "emissions_part": ("emissions' part", "排放贡献"),
    "residual": ("residual", "残差"),
    "bars_alt": (
        (
            "Bar chart: change of {pollutant} in {place} since {first}, with weather's part, emissions' part and "
            "residual. {values}"
        ),
        "柱状图：{place} {pollutant}较{first}年的变化及气象贡献、排放贡献与残差。{values}",
    ),
    "bars_caption": (
        (
            "Change of {pollutant} since {first}: observed, weather's part, emissions' part (90 % interval as "
            "whiskers) and residual."
        ),
        "{pollutant}较{first}年的变化：观测变化、气象贡献、排放贡献（须线为90%区间）与残差。",
    ),
    "map_title": (
        "Weather's part of the change of {pollutant}, {first} to {last}",
        "{first}年至{last}年{pollutant}变化中的气象贡献",
    ),
    "map_axis": ("weather's part ({units})", "气象贡献（{units}）"),
    "map_certain": ("90 % interval without zero", "90%区间不含零"),
    "map_uncertain": ("90 % interval holds zero", "90%区间含零"),
    "map_alt": (
        (
            "Map of {count} places coloured by weather's part of the change of {pollutant} from {first} to {last}: "
            "from {low} to {high} {units}."
        ),
        "{count}个地点的分布图，按{first}年至{last}年{pollutant}变化中的气象贡献着色：{low}至{high}{units}。",
    ),
    "map_caption": (
        (
            "Weather's part of the change of {pollutant} from {first} to {last} at each place ({statistic}). Lambert "
            "conformal projection; no boundaries are drawn."
        ),
        "各地点{first}年至{last}年{pollutant}变化中的气象贡献（{statistic}）。兰勃特正形投影，未绘制边界。",
    ),
    "source": (
        "Observations: {observations}. Weather: {weather}.\n{start} to {end}. tianbang {version}.",
        "观测：{observations}。气象：{weather}。\n{start} 至 {end}。tianbang {version}。",
    ),
    # page: headings, columns
    "no_change": ("There are no two full years to compare.", "没有可供比较的两个完整年度。"),
    "headlines": ("In short", "要点"),
    "map": ("Map", "分布图"),
    "attribution": ("Attribution", "归因"),
    "index": ("Meteorological condition index (MCI)", "气象条件评估指数（MCI）"),
    "skill": ("Skill on held-out months", "留出月份的检验"),
    "concentrations": ("Observed concentrations", "观测浓度"),
    "drivers": ("What the weather's part is made of", "气象贡献的构成"),
    "trends": ("Trends", "趋势"),
    "changepoints": ("Change points of the normalized concentration", "归一化浓度的变点"),
    "methods": ("Spread between methods", "不同方法之间的差异"),
    "series": ("series", "序列"),
    "observed": ("observed", "观测"),
    "normalized": ("weather-normalized", "气象归一化"),
    "per_year": ("per year", "每年"),
    "p_value": ("p-value of no trend", "无趋势的p值"),
    "date": ("first month of the new level", "新水平的首月"),
    "date_interval": ("90 % interval of the date", "日期的90%区间"),
    "size": ("step", "阶跃"),
    "size_percent": ("step, %", "阶跃（%）"),
    "weather_methods": ("weather's part, all methods", "气象贡献，各方法"),
    "emissions_methods": ("emissions' part, all methods", "排放贡献，各方法"),
    "method_count": ("methods", "方法数"),
    "drivers_note": (
        "Shares of the mean's change by Shapley's rule; they add up to the weather's part. 90 % intervals in brackets.",
        "均值变化按沙普利值分解，各份额之和等于气象贡献。方括号内为90%区间。",
    ),
    "trends_note": (
        (
            "Theil-Sen slopes between the same months, 90 % intervals in brackets; p-values by Mann-Kendall within "
            "months."
        ),
        "相同月份之间的Theil-Sen斜率，方括号内为90%区间；p值按分月Mann-Kendall检验。",
    ),
    "changepoints_note": (
        "Against the median of the year before. What caused a step is not said.",
        "与此前一年的中位数相比。不说明阶跃的原因。",
    ),
    "interventions": ("Dated interventions", "注明日期的措施"),
    "intervention": ("intervention", "措施"),
    "dates": ("first and last day", "起止日期"),
    "effect": ("change of the concentration, %", "浓度变化（%）"),
    "interventions_note": (
        "At the same weather, against the trend and season of the days about it; in brackets the 90 % interval.",
        "相同气象下相对于前后趋势与季节的变化，方括号内为90%区间。",
    ),
    "methods_note": (
        (
            "Ours with its 90 % interval, which knows only our method; beside it the lowest and highest of {count} "
            "methods, ours among them: {names}."
        ),
        "本方法附90%区间，该区间仅反映本方法；旁列{count}种方法（含本方法）的最低值与最高值：{names}。",
    ),
    "events": ("Days of extreme weather, at fixed emissions", "固定排放下的极端天气日"),
    "event": ("event", "事件"),
    "longest_days": ("longest, days", "最长持续天数"),
    "on_event": ("on such days", "事件日浓度"),
    "otherwise": ("on other days", "其他日浓度"),
    "difference": ("difference", "差值"),
    "difference_within_months": ("difference within months", "同月差值"),
    "events_note": (
        (
            "Concentrations that the base period's emissions would give under each day's weather; 90 % intervals in "
            "brackets. Within months: against other days of the same month and year, so that the season is no part of "
            "it. By year: tables/events.csv; criteria and sources: METHODS.md."
        ),
        (
            "为基准期排放在逐日气象条件下对应的浓度，方括号内为90%区间。同月差值仅与同年同月的其他日比较，不含季节差异。"
            "逐年结果见 tables/events.csv，判据与依据见 METHODS.md。"
        ),
    ),
    "events_unverified": (
        " Criteria that could not be compared with a published text: {names}.",
        "判据未能与公开文本核对的事件：{names}。",
    ),
    "all_places": ("All places", "全部地点"),
    "truth": ("Known truth of the sample world", "样例世界的已知真值"),
    "assessment": ("Annual assessment by the standard in force", "按现行标准的年度评价"),
    "assessment_note": (
        "Valid years only (HJ 663). Other windows, days by AQI grade, cities attaining: tables/assessment.csv, ...",
        "仅列有效年份（HJ 663）。其他时段、各级别天数与达标城市数见 tables/assessment.csv 等。",
    ),
    "mean_of_days": ("mean of days", "日均值的平均"),
    "p90_of_days": ("90th percentile of days", "日值第90百分位数"),
    "p95_of_days": ("95th percentile of days", "日值第95百分位数"),
    "p98_of_days": ("98th percentile of days", "日值第98百分位数"),
    "panel": ("stations", "点位"),
    "panel_all": ("all", "全部"),
    "panel_constant": ("constant", "固定"),
    "dust": ("dust", "沙尘"),
    "dust_kept": ("kept", "未剔除"),
    "dust_excluded": ("excluded", "已剔除"),
    "printed": ("value", "浓度"),
    "limit": ("limit", "限值"),
    "attains": ("attains", "达标"),
    "quality": ("What was rejected of the observations", "观测数据剔除情况"),
    "quality_note": (
        "Nothing is imputed. Every value and file is listed in tables/rejected.csv.",
        "不作任何插补。逐条清单见 tables/rejected.csv。",
    ),
    "rule": ("rule", "规则"),
    "threshold": ("threshold", "阈值"),
    "rule_source": ("source", "依据"),
    "variable": ("variable", "变量"),
    "files": ("files", "文件数"),
    "stations_count": ("stations", "点位数"),
    "values_count": ("values", "数据量"),
    "share_of_values": ("share", "占比"),
    "first_day": ("first", "首日"),
    "last_day": ("last", "末日"),
    "caveats": ("What the numbers hold, and what they do not", "数据说明与局限"),
    "notes": ("Notes of this run", "本次运行的说明"),
    "no_notes": ("Nothing was left out, skipped or rejected.", "没有被略去、跳过或剔除的内容。"),
    "provenance": ("Provenance", "来源信息"),
    "choose_place": ("Show", "显示"),
    "filter_places": ("Filter by name", "按名称筛选"),
    "place": ("place", "地点"),
    "level": ("level", "层级"),
    "pollutant": ("pollutant", "污染物"),
    "statistic": ("statistic", "统计量"),
    "period": ("period", "时段"),
    "year": ("year", "年份"),
    "observed_from_to": ("observed", "观测"),
    "change": ("change", "变化"),
    "interaction": ("interaction", "交互项"),
    "value": ("value", "数值"),
    "units": ("units", "单位"),
    "days": ("days", "天数"),
    "stations": ("stations", "点位数"),
    "valid": ("valid", "有效"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "weather": ("weather", "气象"),
    "r2": ("R²", "R²"),
    "rmse": ("RMSE", "均方根误差"),
    "bias": ("bias", "偏差"),
    "slope": ("slope", "斜率"),
    "outside": ("days outside training", "训练范围外日数"),
    "pairs": ("pairs of years", "年份对数"),
    "coverage": ("truth inside", "真值在区间内"),
    "weather_error": ("error, weather's part", "气象贡献误差"),
    "emissions_error": ("error, emissions' part", "排放贡献误差"),
    "weather_size": ("size, weather's part", "气象贡献大小"),
    "interval_note": ("90 % intervals in square brackets.", "方括号内为90%区间。"),
    "valid_note": (
        "Valid by HJ 663: at least 324 days in a year. What is marked * is not.",
        "按HJ 663判断有效性：全年至少324天。标*者无效。",
    ),
    "truth_sentence": (
        (
            "The run was made on a world whose truth is known. Over {pairs} pairs of years of cities and regions the "
            "true weather's part lies in the 90 % interval {coverage} % of the time."
        ),
        "本次运行所用的世界真值已知。在城市与区域的{pairs}个年份对中，气象贡献真值落在90%区间内的比例为{coverage}%。",
    ),
    "truth_note": (
        (
            "Inside: share of pairs whose true weather's part lies in the 90 % interval (90 % is aimed at). Errors: "
            "mean absolute difference from the truth. Size: mean absolute value of the true weather's part."
        ),
        "真值在区间内：气象贡献真值落在90%区间内的年份对比例（目标为90%）。误差：与真值之差绝对值的平均。大小：气象贡献真值绝对值的平均。",
    ),
    "only_city": ("{city} is its only city and has the same values.", "{city}为其唯一城市，数值相同。"),
    "not_drawn": (
        (
            "Figures are drawn for {drawn} places; the other {left} regions and cities are in the table “All places” "
            "and in the files under tables/. For figures of chosen cities, run a config with those alone."
        ),
        "图件仅绘制{drawn}个地点；其余{left}个区域和城市见“全部地点”表及tables/目录下的文件。如需某些城市的图件，请以仅含这些城市的配置运行。",
    ),
    "notes_left_out": (
        "{left} more notes are in the files under manifests/.",
        "其余{left}条说明见manifests/目录下的文件。",
    ),
    "base": ("base period", "基准期"),
    "partial": (
        "Years with fewer days than a year has are marked †.",
        "标†者为不足全年的年份。",
    ),
    "rows_left_out": (
        "{left} more rows are in tables/attribution.csv.",
        "其余{left}行见tables/attribution.csv。",
    ),
    "figure_linked": (
        "The page would grow too large: this figure is in the run folder, {path}.",
        "为控制页面大小，此图见运行目录中的{path}。",
    ),
    "no_cjk_font": (
        (
            "No font with Chinese characters was found: the Chinese figures were not drawn. Install the Python package "
            "pylopdf-fonts-zh-cn or a font such as Noto Sans CJK."
        ),
        "未找到中文字体，未绘制中文图件。请安装Python包pylopdf-fonts-zh-cn或思源黑体等字体。",
    ),
    "no_glyph": (
        "{artefact} was not drawn: no font here has {characters}. Install a font that has it.",
        "未绘制{artefact}：没有字体包含{characters}。请安装相应字体。",
    ),
    "version": ("version", "版本"),
    "config_digest": ("config SHA-256", "配置SHA-256"),
    "seed": ("seed", "随机种子"),
    "input_count": ("input files", "输入文件数"),
    "run_name": ("run", "运行"),
    "to": ("{start} to {end}", "{start} 至 {end}"),
    "comma": (", ", "，"),
    "semicolon": ("; ", "；"),
    "with_units": ("{name} ({units})", "{name}（{units}）"),
    "numbers_at": ("All numbers: the files under tables/ beside this page.", "全部数据见本页旁的tables/目录。"),
    # caveats
    "caveat_interval": (
        (
            "The 90 % interval holds the uncertainty of the fit: {members} refits on data resampled in blocks of "
            "{block_days} days. It does not hold errors of the measurements, of the weather data, or of the form of "
            "the model. The change that was observed has no interval."
        ),
        (
            "90%区间反映拟合的不确定性：以{block_days}天为块重抽样并重新拟合{members}次。"
            "它不包含观测误差、气象资料误差和模型形式误差。观测变化不带区间。"
        ),
    ),
    "caveat_parts": (
        (
            "Weather's part: the weather exchanged, the emissions held. Emissions' part: the emissions exchanged, the "
            "weather held. Each is the mean over both orders of exchange; the difference between the orders is printed "
            "as interaction."
        ),
        "气象贡献：排放不变、更换气象；排放贡献：气象不变、更换排放。两者均为两种更换次序的平均，次序之差即交互项。",
    ),
    "caveat_emissions": (
        (
            "What moves with time and not with the weather counts as emissions: also a slow change of the background, "
            "of chemistry or of instruments. Abrupt measures are smoothed and so underestimated, unless the config "
            "names them."
        ),
        (
            "随时间变化而不随气象变化的部分均计入排放，包括背景浓度、化学机制和仪器的缓慢变化。"
            "突发措施会被平滑从而低估，除非在配置中注明。"
        ),
    ),
    "caveat_residual": (
        (
            "Residual: the observed change minus the predicted one, both over calendar days observed in both years. "
            "It is given to neither part. The parts are over all days with weather: where days were not observed, they "
            "and the residual add up to the observed change only with what those days take (unobserved in the table)."
        ),
        (
            "残差：观测变化减去模拟变化，二者均取两年都有观测的日历日，不归入任何一方。两部分贡献取全部有气象的日期：若有缺测，"
            "须加上缺测日的影响（表中 unobserved 列）方等于观测变化。"
        ),
    ),
    "caveat_skill": (
        (
            "Skill is measured on whole months the model has not seen, nor the days about them: R², and the slope of "
            "observed on predicted. A slope above one says that the model damps the extremes."
        ),
        "检验使用模型未见过的整月（按月留出，并剔除其前后数日）：R²以及观测对预测的斜率。斜率大于1说明模型削弱了极端值。",
    ),
    "caveat_outside": (
        (
            "On days outside the range of the training weather the model extrapolates; their share is printed with the "
            "skill."
        ),
        "超出训练气象范围的日子属于外推，其比例与检验结果一并给出。",
    ),
    "caveat_weak": (
        (
            "Where R² on held-out months is below {least}, a caution stands with the place; below zero, the mean would "
            "have predicted better."
        ),
        "留出月份的R²低于{least}时，在相应地点处给出提示；低于零表示预测不及均值。",
    ),
    "caveat_regime": (
        (
            "Chemical regime: the answer to the weather does not depend on the emissions. When NOx falls far enough "
            "that ozone answers temperature differently, what was fitted over all years is a mean of regimes; compare "
            "shorter records."
        ),
        (
            "化学机制：模型中对气象的响应不随排放变化。若NOx下降到使臭氧对气温的响应改变，"
            "全部年份拟合的结果即为不同机制的平均，宜比较较短的时段。"
        ),
    ),
    "caveat_feedback": (
        (
            "The weather answers to pollution: aerosol dims the sun and lowers the mixing height, so that part of what "
            "is called weather is the emissions'. Reanalysis hides most of this and removes none of it."
        ),
        (
            "气象对污染有反馈：气溶胶削弱太阳辐射、降低混合层高度，因此归于气象的一部分实为排放所致。"
            "再分析资料掩盖了其中大部分，但并未消除。"
        ),
    ),
    "caveat_index": (
        (
            "The meteorological condition index (MCI) of a period is 100 times the concentration that fixed emissions "
            "would give under its weather, over the one under the weather of the same calendar days of the base period "
            "({base}). Below 100: favourable; above: unfavourable. It is a statistical index, not the one of QX/T 479, "
            "which rests on a chemical transport model."
        ),
        (
            "某时段的气象条件评估指数（MCI）为固定排放下该时段气象对应的浓度与基准期（{base}）"
            "相同日历日气象对应的浓度之比乘以100。低于100为有利，高于100为不利。"
            "本指数为统计指数，不同于QX/T 479中基于化学传输模式的指数。"
        ),
    ),
    "caveat_year": (
        "Years start on {year_start} and are called by the calendar year they start in.",
        "年度自{year_start}起算，以起始日所在的公历年命名。",
    ),
}
"""Key -> (English, Chinese). Placeholders are the same in both."""

UNITS: dict[str, tuple[str, str]] = {
    "ug m-3": ("µg m⁻³", "微克/立方米"),
    "mg m-3": ("mg m⁻³", "毫克/立方米"),
}
DRIVERS: dict[str, tuple[str, str]] = {
    "t2m": ("temperature", "气温"),
    "tmax": ("highest temperature", "日最高气温"),
    "tmin": ("lowest temperature", "日最低气温"),
    "diurnal_range": ("diurnal range", "气温日较差"),
    "t850": ("temperature, 850 hPa", "850百帕气温"),
    "t925": ("temperature, 925 hPa", "925百帕气温"),
    "d2m": ("dew point", "露点温度"),
    "rh": ("relative humidity", "相对湿度"),
    "tp": ("precipitation", "降水量"),
    "tcwv": ("column water vapour", "整层水汽含量"),
    "u10": ("eastward wind", "纬向风"),
    "v10": ("northward wind", "经向风"),
    "wind_speed": ("wind speed", "风速"),
    "u850": ("eastward wind, 850 hPa", "850百帕纬向风"),
    "v850": ("northward wind, 850 hPa", "850百帕经向风"),
    "u500": ("eastward wind, 500 hPa", "500百帕纬向风"),
    "v500": ("northward wind, 500 hPa", "500百帕经向风"),
    "w500": ("vertical velocity, 500 hPa", "500百帕垂直速度"),
    "msl": ("sea-level pressure", "海平面气压"),
    "sp": ("surface pressure", "地面气压"),
    "blh": ("boundary-layer height", "边界层高度"),
    "ssrd": ("solar radiation", "太阳辐射"),
    "tcc": ("cloud cover", "总云量"),
    "lcc": ("low cloud cover", "低云量"),
}
"""Weather quantities as readers call them; one the table does not know keeps its name."""
WEATHER_UNITS: dict[str, tuple[str, float, float]] = {"K": ("°C", 1, -273.15), "Pa": ("hPa", 0.01, 0)}
"""Units of the tables -> units of the figures, factor and offset; those of a difference stay as they are."""
DIFFERENCES = frozenset({"diurnal_range"})
UNIT_SIGNS: dict[str, str] = {
    "m s-1": "m s⁻¹", "W m-2": "W m⁻²", "kg m-2": "kg m⁻²", "1": "", "unknown": "",
}  # fmt: skip
POLLUTANT_SIGNS: dict[str, str] = {
    "pm25": "PM₂.₅", "pm10": "PM₁₀", "o3": "O₃", "no2": "NO₂", "nox": "NOx", "so2": "SO₂", "co": "CO",
}  # fmt: skip
SOURCES: dict[str, tuple[str, str]] = {
    "prsa": ("UCI Beijing multi-site data", "UCI北京多点位数据"),
    "national": ("national monitoring network", "国家环境空气质量监测网"),
    "national_cities": ("national monitoring network, by city", "国家环境空气质量监测网（城市数据）"),
    "beijing": ("Beijing monitoring network", "北京市环境空气质量监测网"),
    "openaq": ("OpenAQ", "OpenAQ"),
    "epa_aqs": ("US EPA AQS", "US EPA AQS"),
    "eea": ("European Environment Agency", "欧洲环境署（EEA）"),
    "stations": ("measured at the stations", "点位实测"),
    "table": ("from a table", "数据表"),
    "era5": ("ERA5", "ERA5"),
    "sample_world": ("sample world", "样例世界"),
}


def _side(language: Language) -> int:
    return 0 if language == "en" else 1


def phrase(key: str, language: Language, **values: object) -> str:
    """The phrase of a key with its placeholders filled; an unknown key or a missing value is a KeyError."""
    return PHRASES[key][_side(language)].format(**values)


def units_in(language: Language, units: str) -> str:
    """A unit as readers write it; one the table does not know stays as it is."""
    return UNITS[units][_side(language)] if units in UNITS else units


def source_in(language: Language, name: str) -> str:
    """What a reader or weather source is called; an unknown one stays as it is."""
    return SOURCES[name][_side(language)] if name in SOURCES else name


def pollutant_in(language: Language, name: str) -> str:
    """PM₂.₅, O₃ or 臭氧（O₃）; an unknown pollutant stays as it is."""
    sign = POLLUTANT_SIGNS.get(name, name)
    chinese = known_pollutant(name).chinese
    spelled = language == "zh" and not chinese.isascii() and chinese != name
    return f"{chinese}（{sign}）" if spelled else sign


def driver_in(language: Language, quantity: str) -> str:
    """What a weather quantity is called; an unknown one keeps its name."""
    return DRIVERS[quantity][_side(language)] if quantity in DRIVERS else quantity


def group_in(language: Language, group: str) -> str:
    """What a driver group is called."""
    names = {str(name): both for name, both in GROUPS.items()}
    return names[group][_side(language)] if group in names else group


def readable(quantity: str, units: str) -> tuple[str, float, float]:
    """The units in which figures print a quantity of ``units``: printed units, factor, offset (K -> °C, Pa -> hPa)."""
    if units in WEATHER_UNITS and quantity not in DIFFERENCES:
        return WEATHER_UNITS[units]
    return UNIT_SIGNS.get(units, units), 1.0, 0.0


def statistic_in(language: Language, pollutant: str, statistic: str) -> str:
    """What the numbers of a statistic are, in words: of ozone the daily maximum 8-hour mean is meant."""
    daily = known_pollutant(pollutant).daily
    key = f"statistic_{statistic}" + ("_mda8" if daily == "mda8" else "")
    return phrase(key if key in PHRASES else statistic, language)


def direction(low: float, high: float, *, base: float = 0.0) -> Direction:
    """Where an interval lies: below ``base``, above it, or holding it; an unknown interval holds everything."""
    if high < base:
        return "lowered"
    return "raised" if low > base else "little"


def index_word(low: float, high: float) -> str:
    """The key of favourable, unfavourable or near the base, for an interval of the index."""
    words = {"lowered": "favourable", "raised": "unfavourable", "little": "near_base"}
    return words[direction(low, high, base=100.0)]


def decimals_of(size: float) -> int:
    """Decimals of numbers about a concentration of some size: three digits or so, in any unit."""
    if not math.isfinite(size) or size >= 3:
        return 1
    return 2 if size >= 0.3 else 3


def number(value: float, decimals: int = 1) -> str:
    """A number with a true minus sign; zero has none; what is not known is a dash."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def signed(value: float, decimals: int = 1) -> str:
    """A number with its sign, also when positive."""
    text = number(value, decimals)
    return f"+{text}" if math.isfinite(value) and float(f"{value:.{decimals}f}") > 0 else text
