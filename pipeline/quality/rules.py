"""The one table of rules that reject files and values, and the thresholds a config may set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

OURS = "this project"
WU = "Wu et al. 2018, doi 10.1007/s00376-018-8067-9"


@dataclass(frozen=True)
class Rule:
    """A named reason to reject: what it acts on, what it means in both languages, its threshold and source.

    ``act`` is ``file``, ``value``, or ``told`` for what is read all the same and only listed. ``threshold`` holds keys
    of ``Options`` in braces.
    """

    act: Literal["file", "value", "told"]
    english: str
    chinese: str
    threshold: str = ""
    source: str = OURS


RULES: dict[str, Rule] = {
    "not_csv": Rule("file", "not a table: a web page or binary content", "不是表格：网页或二进制内容"),
    "empty_file": Rule("file", "the file is empty", "空文件"),
    "cut_file": Rule("file", "the file ends within a row", "文件在行中截断"),
    "unknown_layout": Rule("file", "columns or rows are not as agreed", "列或行与约定不符"),
    "transposed_file": Rule("told", "rows and columns are exchanged; read all the same", "行列互换，仍予读取"),
    "packed_file": Rule(
        "told", "gzip content under the name of a CSV file; read all the same", "gzip 内容误名为 CSV，仍予读取"
    ),
    "repeated_column": Rule(
        "value",
        "a station's code is twice in the header with different values; both rejected",
        "站点编码在表头重复且数值不同，均剔除",
    ),
    "repeated_hour": Rule(
        "value", "an hour is there twice with different values; both rejected", "同一小时重复且数值不同，均剔除"
    ),
    "other_files": Rule("told", "files of other names, which the reader does not know", "文件名不属于该读取器，未读取"),
    "other_days": Rule(
        "told",
        "rows of other days than the file's name says; read where the day of the name is in the period",
        "文件内日期与文件名不符；文件名日期在时段内则读取",
    ),
    "absent_hours": Rule("told", "hours are absent from the file", "文件缺少若干小时"),
    "text_value": Rule("value", "not a number", "不是数字"),
    "flagged": Rule(
        "value", "marked invalid by the network itself", "网络自身标记为无效", source="the network's own flags"
    ),
    "part_hour": Rule(
        "value", "values cover too little of the hour", "小时内有效采样不足", "< 45 min", "GB 3095-2012, table 4"
    ),
    "second_instrument": Rule(
        "told", "another instrument of the station is taken for the hour", "该小时采用同站另一台仪器"
    ),
    "implausible": Rule(
        "value",
        "above the plausible range of the variable",
        "超出该变量的合理范围",
        "valid_range",
        "pipeline.vocabulary",
    ),
    "negative": Rule(
        "value",
        "a negative concentration: the noise of an instrument about zero, or a mark for a missing value",
        "负浓度：仪器零点噪声或缺测标记",
        "< {negative_floor:g}",
    ),
    "spike": Rule(
        "value",
        "one hour far above both its neighbours and the other stations of the network",
        "单小时远高于前后小时及网络其他站点",
        "> {spike_times:g} x",
        WU,
    ),
    "stuck": Rule(
        "value",
        "the same value for many hours; more hours are asked of low values, which repeat honestly at coarse resolution",
        "长时间数值不变；低值因分辨率粗而会如实重复，所需小时数更多",
        "{stuck_hours:g} h x max(1, (20 step / value)^2); zeros: x 2",
        WU,
    ),
    "pm25_above_pm10": Rule(
        "value",
        "PM2.5 above PM10 by more than two instruments within tolerance can differ; both rejected",
        "PM2.5 高于 PM10 且超出两台合格仪器的允许偏差，二者均剔除",
        "each (1 ± {pm_slope:g}) x ± {pm_intercept:g} ug m-3",
        f"tolerances of HJ 653-2013 against the reference method; kind of outlier: {WU}",
    ),
}
"""Rules by name; value rules in the order in which they are asked. A value has the first reason that rejects it."""

SCREENING = ("implausible", "negative", "spike", "stuck", "pm25_above_pm10")
"""Rules that ``screened`` can apply, in this order."""


class Options(BaseModel):
    """``quality: {rules: [implausible, negative], stuck_hours: 24}``: which rules act, and their thresholds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[str, ...] = SCREENING
    negative_floor: float = Field(default=0.0, le=0, description="values below are rejected [unit of the variable]")
    stuck_hours: float = Field(default=12, ge=3, description="equal hours of a value that is not low")
    spike_times: float = Field(default=5, gt=1, description="times the neighbouring hours and the other stations")
    pm_slope: float = Field(default=0.15, ge=0, lt=1, description="tolerance of a PM instrument's slope")
    pm_intercept: float = Field(default=10, ge=0, description="tolerance of a PM instrument's intercept [ug m-3]")

    @field_validator("rules")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in SCREENING:
                raise ValueError(f"found {name!r}; allowed: {', '.join(SCREENING)}")
        return value
