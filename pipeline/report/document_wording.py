"""What the document says around the numbers, English and Chinese: headings, captions, labels, what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.wording import Language

PHRASES: dict[str, tuple[str, str]] = {
    # the document
    "language": ("English", "中文"),
    "title": (
        "Weather and emissions in the air quality of {year}",
        "{year}年空气质量变化的气象与排放贡献",
    ),
    "title_to_date": (
        "Weather and emissions in the air quality of {year}, to {through}",
        "{year}年空气质量变化的气象与排放贡献（截至{through}）",
    ),
    "series": ("Annual report on air quality and weather · {name}", "空气质量与气象条件年度报告 · {name}"),
    "subtitle": (
        "Concentrations, weather's part and emissions' part: the nation and its regions, {first} to {last}",
        "{first}年至{last}年浓度变化及其气象、排放贡献：全国与重点区域",
    ),
    "subtitle_region": (
        "Concentrations, weather's part and emissions' part, {first} to {last}",
        "{first}年至{last}年浓度变化及其气象、排放贡献",
    ),
    "imprint": (
        (
            "Every number of this report is a row of facts.csv with its interval, its days and the run's table that "
            "it is read from. The same run gives the same report, byte by byte."
        ),
        "本报告的每个数字均为facts.csv中的一行，附区间、天数及其所读取的运行结果表。同一运行结果生成的报告逐字节相同。",
    ),
    "as_of": ("Data to {day}", "数据截至{day}"),
    "contents": ("Contents", "目录"),
    "figure": ("Figure {number}", "图{number}"),
    "table": ("Table {number}", "表{number}"),
    "appendix": ("Appendix {letter}: {title}", "附录{letter}　{title}"),
    "list": (", ", "、"),
    "semicolon": ("; ", "；"),
    "none": ("none", "无"),
    "missing_heading": ("What this report lacks", "本报告所缺内容"),
    "missing_table": ("Not made: {what}. {why}", "未列出：{what}。{why}"),
    "no_rows": ("The run has no such numbers.", "运行结果中没有相应数据。"),
    # facts of the run on the title page
    "fact_year": ("Year reported", "报告年份"),
    "fact_data": ("Data", "数据时段"),
    "fact_base": ("Base period (index 100)", "基准期（指数为100）"),
    "fact_pollutants": ("Pollutants", "污染物"),
    "fact_regions": ("Regions", "区域"),
    "fact_places": ("Places", "地点"),
    "fact_observations": ("Observations", "观测资料"),
    "fact_weather": ("Weather", "气象资料"),
    "fact_interval": ("Intervals", "区间"),
    "places_of": ("{cities} cities, {stations} stations", "{cities}个城市，{stations}个点位"),
    "interval_of": (
        "90 %, from {members} members of {block_days}-day blocks",
        "90%，{members}个成员，按{block_days}天分段重抽样",
    ),
    "partial": ("{year} is not whole: data to {day}; marked †", "{year}年数据不完整，截至{day}，以†标记"),
    # sections
    "section_headlines": ("In short", "要点"),
    "section_concentrations": ("Concentrations", "污染物浓度"),
    "section_attaining": ("Cities that attain the limits", "城市达标情况"),
    "section_heavy_days": ("Heavily polluted and good days", "重污染与优良天数"),
    "section_index": ("The weather of the year", "气象条件"),
    "section_attribution": ("Weather's part and emissions' part", "气象贡献与排放贡献"),
    "section_maps": ("City by city", "各城市情况"),
    "section_claims": ("Statements checked", "既有论断核对"),
    "section_sensitivity": ("How much the headline depends on choices", "结论对选择的敏感性"),
    "section_methods": ("Methods", "方法"),
    "section_trace": ("The numbers of the text", "文中数字的出处"),
    "section_provenance": ("Provenance", "来源与可追溯信息"),
    "trace_intro": (
        (
            "Each sentence that prints numbers carries a number of its own; here stand the facts behind it, as "
            "they are in facts.csv, and the table of the run that each is read from."
        ),
        "凡含数字的语句均有编号；此处列出其所依据的事实（与facts.csv一致）及各自读取的运行结果表。",
    ),
    "claims_intro": (
        "Statements of other reports, each beside what this run finds.",
        "其他报告的论断与本次运行结果的对照。",
    ),
    "claims_of_2025": ("Statements of the 2025 report", "2025年度报告论断"),
    "no_claims": (
        "None of its {count} statements is about a region and year of this run; claims.csv says why of each.",
        "其{count}条论断均不涉及本次运行的区域、污染物和年份；各条原因见claims.csv。",
    ),
    "sensitivity_caption": (
        (
            "The headline under other choices: {what}. Filled: what this report chose, its 90 % interval as a band; "
            "open: another choice."
        ),
        "其他选择下的主要结论：{what}。实心为本报告的选择，色带为其90%区间；空心为其他选择。",
    ),
    "table_sensitivity": ("The headline under other choices", "其他选择下的主要结论"),
    "note_sensitivity": (
        (
            "* what this report chose. Weather's part and emissions' part of the change to the report's year, in the "
            "units named; MCI in per cent; 90 % intervals in brackets."
        ),
        "*为本报告的选择。表中为截至报告年份的浓度变化中的气象贡献与排放贡献（单位见各组首行），MCI以%计，方括号内为90%区间。",
    ),
    "column_sensitivity_choice": ("Choice", "选择"),
    "column_sensitivity_variant": ("Variant", "取值"),
    "column_sensitivity_weather": ("Weather", "气象贡献"),
    "column_sensitivity_emissions": ("Emissions", "排放贡献"),
    "column_sensitivity_mci_change_percent": ("MCI change (%)", "MCI变化（%）"),
    "column_sensitivity_note": ("Note", "备注"),
    "trace_link": ("where these numbers come from", "数字出处"),
    # provenance
    "provenance_intro": (
        (
            "What made this report; the supplement has it for programs, with the digest of every file "
            "(ro-crate-metadata.json)."
        ),
        "本报告的生成依据。补充资料中附机器可读版本（ro-crate-metadata.json）及每个文件的摘要值。",
    ),
    "provenance_version": ("Version", "软件版本"),
    "provenance_code": ("Program files, SHA-256", "程序文件，SHA-256"),
    "provenance_config": ("Config, SHA-256", "配置，SHA-256"),
    "provenance_inputs": ("Input files", "输入文件"),
    "provenance_inputs_digest": ("Input files together, SHA-256", "输入文件合计，SHA-256"),
    "provenance_facts": ("Numbers in facts.csv", "facts.csv中的数字"),
    "provenance_seed": ("Seed", "随机种子"),
    "provenance_python": ("Python", "Python"),
    "provenance_packages": ("Packages", "软件包"),
    "config_caption": ("The config of the run; paths by their last part.", "运行配置（路径仅保留末级名称）。"),
    "notes_caption": ("Notes of the run", "运行备注"),
    "notes_left": ("and {count} more, in notes.txt", "另有{count}条，见notes.txt"),
    "column_against": ("against {years} (%)", "较{years}年（%）"),
    "column_key": ("Key", "键"),
    "column_value": ("Value", "值"),
    "citation": (
        "How to cite, licences of the data and of the map: README.md of the supplement.",
        "引用方式、数据与地图许可：见补充资料README.md。",
    ),
    # methods
    "printing_standard": ("the standard rounds", "标准规定的位数"),
    "printing_ministry": ("the ministry prints", "生态环境部发布的位数"),
    "particulate_as_reported": ("as reported", "按原始发布"),
    "particulate_ambient": ("ambient on all days", "全部换算为实况状态"),
    "region_of": ("{name} ({count} cities{years})", "{name}（{count}个城市{years}）"),
    "standard_since": ("{name} (from {since})", "{name}（{since}起）"),
    "no_quality": ("Nothing was rejected.", "无剔除数值。"),
    "no_skill": ("No scores: no place had enough months to hold out.", "无检验评分：各地点可留出月份不足。"),
    "quality_caption": ("What was rejected, by rule", "按规则剔除的数值"),
    "skill_caption": (
        "Skill on held-out months: median (lowest–highest) over cities",
        "留出月份的检验评分：各城市中位数（最低–最高）",
    ),
    "skill_note": (
        "R² and slope of observed on predicted daily concentrations; RMSE in the pollutant's units.",
        "R²及观测对预测的斜率针对日浓度；RMSE单位与该污染物相同。",
    ),
    "afternoon": ("{driver} in the afternoon", "午后{driver}"),
    "in_equation_weather": ("weather", "气象"),
    "in_equation_emissions": ("emissions", "排放"),
    "in_equation_observed": ("observed", "观测"),
    "in_equation_unobserved": ("unobserved", "未观测"),
    "in_equation_residual": ("residual", "残差"),
    "in_equation_reference": ("ref", "基准"),
    "column_threshold": ("Threshold", "阈值"),
    "column_meaning": ("Rule", "规则"),
    "column_variable": ("Variable", "变量"),
    "column_values": ("Values", "数值个数"),
    "column_share": ("Share", "占比"),
    "column_stations": ("Stations", "点位"),
    "column_pollutant": ("Pollutant", "污染物"),
    "column_cities": ("Cities", "城市数"),
    "column_r2": ("R²", "R²"),
    "column_slope": ("Slope", "斜率"),
    "column_rmse": ("RMSE", "RMSE"),
}


def say(key: str, language: Language, **values: object) -> str:
    """The phrase of a key with its placeholders filled; an unknown key or a missing value is a KeyError."""
    return PHRASES[key][language == "zh"].format(**values)


def listed(words: Sequence[str], language: Language, *, separator: str = "list") -> str:
    """Words with commas (or semicolons) between; none says so."""
    return say(separator, language).join(words) if words else say("none", language)
