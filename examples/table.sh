#!/bin/sh
# From a table to predictions: breast tumors, 569 rows and 30 measurements, which come with scikit-learn.
# Run it anywhere: sh examples/table.sh. It works in a temporary directory.
set -eu

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"

# Two CSV files: rows to train on, and rows to keep for later.
${PYTHON:-python} - <<'PYTHON'
import numpy as np
import pyarrow as pa
import pyarrow.csv
from sklearn.datasets import load_breast_cancer

data = load_breast_cancer()
columns = dict(zip(data.feature_names.tolist(), data.data.T))
table = pa.table(columns | {"diagnosis": data.target_names[data.target]})
table = table.take(np.random.default_rng(0).permutation(len(table)))
pyarrow.csv.write_csv(table[:469], "known.csv")
pyarrow.csv.write_csv(table[469:], "later.csv")
PYTHON

chainrule() { ${PYTHON:-python} -m chainrule "$@"; }

chainrule fit known.csv --target diagnosis --hidden 32,32 --quiet --out tumors.safetensors
echo
chainrule evaluate tumors.safetensors later.csv
echo
chainrule predict tumors.safetensors later.csv --proba | head -n 4
