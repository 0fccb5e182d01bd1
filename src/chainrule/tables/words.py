"""Words that say that a value is missing."""

#: Missing in every column: pyarrow's own list, Python's own, and the mark of the UCI repository's tables.
MISSING_WORDS = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "NaT", "None", "n/a", "nan", "null", "?",
]  # fmt: skip

#: Missing in a column of numbers or dates, in any case; elsewhere each may be a category.
PLACEHOLDERS = {
    "-", "--", "---", "----", "–", "—", ".", "..", "...", "…", "*", "**", ":", "/", "\\", "_", "x", "??",
    "???", "!", "-/-", "n.a.", "n.a", "n/a", "n. a.", "na", "nd", "n.d.", "n/d", "nil", "none", "null",
    "nan", "nat", "(null)", "(none)", "(na)", "<na>", "<null>", "(blank)", "blank", "empty", "missing",
    "unknown", "not available", "not applicable", "not reported", "not measured", "no data", "tbd", "tba",
    "k.a.", "k. a.", "ka", "keine angabe", "unbekannt", "fehlt", "s/d", "s.d.", "sin datos", "inconnu",
    "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#n/a", "#wert!", "#bezug!", "#zahl!",
    "invalid", "error", "н/д", "нет данных", "غير متوفر", "無", "无", "未知", "缺失",
}  # fmt: skip
