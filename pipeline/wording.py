"""The one table of labels and phrases, English and Chinese, for figures and page; and how numbers are written.

Direction words are taken from the interval, never from the estimate alone: an interval that holds zero says
"little changed". The index is the meteorological condition index, MCI (气象条件评估指数).
"""

from __future__ import annotations

import math
from typing import Literal

from pipeline.vocabulary import pollutant as known_pollutant

Language = Literal["en", "zh"]
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
        "trend of the normalized: {slope} {units} per year",
        "归一化浓度趋势：每年{slope}{units}",
    ),
    "trend_alt": (
        "Line chart: monthly observed and weather-normalized {pollutant} in {place}, {start} to {end}. {trend}",
        "折线图：{place} {pollutant}逐月观测浓度与气象归一化浓度，{start}至{end}。{trend}",
    ),
    "trend_caption": (
        (
            "Observed and weather-normalized {pollutant}. The trend is the Theil-Sen slope between the same months of "
            "different years."
        ),
        "{pollutant}观测浓度与气象归一化浓度。趋势为不同年份相同月份之间的Theil-Sen斜率。",
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
    "all_places": ("All places", "全部地点"),
    "truth": ("Known truth of the sample world", "样例世界的已知真值"),
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
        "Residual: the observed change minus both parts. It is given to neither.",
        "残差：观测变化减去两部分贡献，不归入任何一方。",
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
POLLUTANT_SIGNS: dict[str, str] = {
    "pm25": "PM₂.₅", "pm10": "PM₁₀", "o3": "O₃", "no2": "NO₂", "nox": "NOx", "so2": "SO₂", "co": "CO",
}  # fmt: skip
SOURCES: dict[str, tuple[str, str]] = {
    "prsa": ("UCI Beijing multi-site data", "UCI北京多点位数据"),
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
