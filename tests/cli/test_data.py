"""Tables that the commands read: formats, headers, texts, missing values."""

import gzip
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from ttfs.cli.data import Data, DataError, Reading, load_data
from ttfs.cli.data.reading import split_names

# Rows of a table: a number, a text, a truth, a number, and the label.
ROWS = [
    (0.5 * k, ("red", "green", "blue")[k % 3], k % 4 == 0, 2**k, "ab"[k % 2])
    for k in range(12)
]
NAMES = ["size", "colour", "is_new", "power", "kind"]


def lines(rows, delimiter=","):
    return "".join(delimiter.join(map(str, row)) + "\n" for row in rows)


def load(path, cv=2, **reading):
    return load_data(str(path), cv, 0, Reading(**reading))


def save(path, text, encoding="utf-8"):
    content = text.encode(encoding)
    if path.suffix == ".gz":
        content = gzip.compress(content)
    path.write_bytes(content)
    return path


def check_rows(data, *, has_names=True):
    """The data are those of `ROWS`."""
    expected = [
        (size, sorted(("red", "green", "blue")).index(colour), is_new, power)
        for size, colour, is_new, power, _ in ROWS
    ]
    assert_array_equal(data.X, np.array(expected, dtype=float))
    assert_array_equal(data.y, [row[-1] for row in ROWS])
    assert data.names == (tuple(NAMES[:-1]) if has_names else ())
    assert data.categories == {1: ["blue", "green", "red"]}
    assert data.n_channels == 6


# ------------------------------------------------------------------------- formats


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_texts(tmp_path, encoding):
    for name, delimiters in {
        "a.csv": ",;\t|",
        "a.csv.gz": ",",
        "a.CSV.gz": ";",
        "a.tsv": "\t",
        "a.tsv.gz": "\t",
        "a.tab": "\t",
    }.items():
        for delimiter in delimiters:
            text = lines([NAMES, *ROWS], delimiter)
            check_rows(load(save(tmp_path / name, text, encoding)))


def test_long_files_are_read_in_blocks(tmp_path):
    n = 10_000
    text = "".join(f"{k},{'pq'[k % 2]},{k % 3}\n" for k in range(n))
    data = load(save(tmp_path / "a.csv", text))
    assert_array_equal(data.X[:, 0], np.arange(n))
    assert_array_equal(data.X[:, 1], np.arange(n) % 2)
    assert_array_equal(data.y, np.arange(n) % 3)
    broken = save(tmp_path / "b.csv", text + "1,p\n")
    with pytest.raises(DataError, match=f"line {n + 1} has 2 columns, not 3"):
        load(broken)
    # the number of the line is that of the file, with empty lines and a long cell
    broken = save(tmp_path / "c.csv", '\n\n"1",p,0\n"2\n",q,0\n\n3,p,\n')
    with pytest.raises(DataError, match="line 7 has no label"):
        load(broken)


def test_quotes(tmp_path):
    text = '"size, in m";"the ""kind"""\n"1.5";"a;b"\n2;c\n3; "a;b"\n4;c\n'
    data = load(save(tmp_path / "a.csv", text))
    assert data.names == ("size, in m",)
    assert list(data.y) == ["a;b", "c", "a;b", "c"]


def test_decimal_commas(tmp_path):
    text = "size;power;kind\n1,5;2;a\n,25;3;b\n-2,5e1;4;a\n7,0;5;b\n"
    data = load(save(tmp_path / "a.csv", text))
    assert_array_equal(data.X, [[1.5, 2], [0.25, 3], [-25, 4], [7, 5]])
    assert data.notes == ("decimal commas are read in column 1 ('size')",)


def test_underscores_are_no_part_of_a_number(tmp_path):
    data = load(save(tmp_path / "a.csv", "1_0,5,a\n2_0,6,b\n1_0,7,a\n2_0,8,b\n"))
    assert data.categories == {0: ["1_0", "2_0"]}


def test_parquet_through_pandas(tmp_path, monkeypatch):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(ROWS, columns=NAMES)
    try:
        frame.to_parquet(tmp_path / "a.parquet")
    except ImportError:
        # The columns of a frame are tested without what reads the file.
        (tmp_path / "a.parquet").touch()
        monkeypatch.setattr(pd, "read_parquet", lambda path: frame)
    check_rows(load(tmp_path / "a.parquet"))


def test_types_of_pandas(tmp_path, monkeypatch):
    pd = pytest.importorskip("pandas")
    n = 12
    frame = pd.DataFrame(
        {
            "whole": pd.array([None, *range(1, n)], dtype="Int64"),
            "truth": pd.array([True, None] * (n // 2), dtype="boolean"),
            "level": pd.Categorical(["low", "high", None] * (n // 3)),
            "text": pd.array(["u", None, "v"] * (n // 3), dtype="string"),
            "day": pd.date_range("2024-01-01", periods=n),
            "lists": [[k] for k in range(n)],
            "kind": [0, 1] * (n // 2),
        }
    )
    (tmp_path / "a.parquet").touch()
    held = frame.drop(columns="lists")
    monkeypatch.setattr(pd, "read_parquet", lambda path: held)
    data = load(tmp_path / "a.parquet", missing="impute", drop=("day",))
    level, text = np.array([1, 0, np.nan] * 4), np.array([0, np.nan, 1] * 4)
    truth = np.array([1, np.nan] * 6)
    whole = np.array([np.nan, *range(1, n)])
    assert_array_equal(data.X, np.column_stack([whole, truth, level, text]))
    assert data.categories == {2: ["high", "low"], 3: ["u", "v"]}
    with pytest.raises(DataError, match=r"column 5 \('day'\) has dates or times"):
        load(tmp_path / "a.parquet", missing="impute")
    with pytest.raises(DataError, match=r"row 1, column 1 .* has no value"):
        load(tmp_path / "a.parquet", drop=("day",))
    held = frame
    with pytest.raises(DataError, match="'lists' holds values of type list"):
        load(tmp_path / "a.parquet")


def test_parquet_through_polars(tmp_path, monkeypatch):
    pl = pytest.importorskip("polars")
    pl.DataFrame(ROWS, schema=NAMES, orient="row").write_parquet(tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pandas", None)
    check_rows(load(tmp_path / "a.parquet"))
    (tmp_path / "b.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"not a readable \.parquet file"):
        load(tmp_path / "b.parquet")


def test_parquet_without_a_library(tmp_path, monkeypatch, error_of):
    path = tmp_path / "a.parquet"
    assert "No such file" in error_of(["compare", str(path)])
    path.touch()
    for name in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    error = error_of(["compare", str(path)])
    assert 'needs pandas with pyarrow (pip install "scikit-ttfs[parquet]")' in error


def test_broken_gzip(tmp_path, error_of):
    path, cut_off = tmp_path / "a.csv.gz", gzip.compress(b"1,2\n" * 99)[:-9]
    for content in b"no gzip", cut_off:
        path.write_bytes(content)
        assert "not a readable .csv.gz file" in error_of(["compare", str(path)])


def test_text_that_is_not_utf8(tmp_path):
    path = save(tmp_path / "a.csv", "größe,art\n1,a\n", "latin-1")
    with pytest.raises(DataError, match="it must be UTF-8 text"):
        load(path)


def test_cells_of_several_lines_make_messages_of_one(tmp_path, error_of):
    path = save(tmp_path / "a.csv", '1,"a\n\x1b[2Jb"\n2,c\n3,c\n')
    assert "class a [2Jb has 1 samples" in error_of(["compare", str(path)])
    path = save(tmp_path / "a.csv", '1,"a\nb"\n2,"a\nb"\n')
    assert "all samples have the label a b" in error_of(["compare", str(path)])


# ------------------------------------------------------------------------- headers


HEADERS = {
    "plain": ("size,kind\n", ("size",)),
    "none": ("", ()),
    "quoted": ('"size","kind"\n', ("size",)),
    "without a name": (",size,kind\n", ("", "size")),
    "unicode": ("größe 大きさ,art\n", ("größe 大きさ",)),
    "spaces": ("  size  in m , kind\n", ("size in m",)),
}


@pytest.mark.parametrize(("header", "names"), HEADERS.values(), ids=HEADERS)
def test_headers(tmp_path, header, names):
    first = "" if len(names) < 2 else "0,"
    rows = "".join(f"{first}{k},{'ab'[k % 2]}\n" for k in range(4))
    for byte_order_mark in "", "\ufeff":
        data = load(save(tmp_path / "a.csv", f"{byte_order_mark}{header}{rows}"))
        assert data.names == names
        assert_array_equal(data.X[:, -1], range(4))
        assert data.notes == ()


def test_a_number_among_the_names(tmp_path):
    for header, row in (
        ('sepal,"petal, length",Uni,4,species', "{k}.5,2,3,{k},{c}"),
        ("0,1,2,3,y", "{k},2,3,4,{n}"),
        ("0,1,2,3,y", "{k},2,3,4,{c}"),
        ("region,2019,2020,2021,y", "{c},2,3,{k},{n}"),
        ("region,2019,2020,2021,y", "{c},2,3,{k},{c}"),
        (",0,1,2,3,target", "{k},1,2,3,4,{n}"),
        (",0,1,2,3,target", "{k},1,2,3,4,{c}"),
        ("1990,2000,label", "{k},5,{n}"),
    ):
        rows = [row.format(k=k, n=k % 2, c="ab"[k % 2]) for k in range(1, 7)]
        path = save(tmp_path / "a.csv", "\n".join([header, *rows]) + "\n")
        data = load(path)
        names = header.replace('"petal, length"', "petal length").split(",")
        assert [name.replace(",", "") for name in data.names] == names[:-1]
        assert len(data.X) == 6
        assert "taken for names of columns; if it is not: --no-header" in data.notes[0]
        with pytest.raises(DataError, match=r"line 1|class"):
            load(path, header=False)


def test_data_in_the_first_line(tmp_path):
    for row in (
        "5.1,3,{c}",  # the label is that of other rows
        "5.1,{k}.5,{c}",
        "-,{k},{n}",  # no value, above numbers
        "{k},{c},{n}",
    ):
        rows = [row.format(k=k, n=k % 2, c="ab"[k % 2]) for k in range(1, 7)]
        rows[1:] = [line.replace("-", "7") for line in rows[1:]]
        data = load(save(tmp_path / "a.csv", "\n".join(rows) + "\n"), missing="impute")
        assert (data.names, len(data.X)) == ((), 6)


def test_errors_of_the_first_line_name_the_option(tmp_path):
    path = save(tmp_path / "a.csv", "1,x,a\n2,2,b\n3,y,a\n4,4,b\n")
    match = r"line 1 \(if it names the columns: --header\), column 2: 'x' is not"
    with pytest.raises(DataError, match=match):
        load(path)
    with pytest.raises(DataError, match="line 1, column 2: 'x' is not"):
        load(path, header=False)
    # a text above numbers, in a line whose label recurs
    path = save(tmp_path / "b.csv", "1,x,a\n2,2,b\n3,3,a\n4,4,b\n")
    with pytest.raises(DataError, match=match):
        load(path)


def test_lines_that_are_no_data(tmp_path):
    rows = "1,2,a\n3,4,b\n5,6,a\n7,8,b\n"
    path = save(tmp_path / "a.csv", f"# made by us\nu,v,kind\n{rows}")
    with pytest.raises(DataError, match="line 1 begins with '#': comments are no part"):
        load(path)
    path = save(tmp_path / "b.csv", f"u,v,kind\ncm,kg,-\n{rows}")
    with pytest.raises(DataError, match=r"line 2, .*if the line has units"):
        load(path)


def test_delimiters_at_the_ends_of_lines(tmp_path):
    path = save(tmp_path / "a.csv", "a,b,y,\n1,5,p,\n2,6,q,\n3,7,p,\n4,8,q,\n")
    match = r"column 4, that of the labels, is empty.*: --target -2 --drop -1$"
    with pytest.raises(DataError, match=match):
        load(path)
    data = load(path, target="-2", drop=("-1",))
    assert data.names == ("a", "b")
    assert list(data.y) == ["p", "q", "p", "q"]


def test_where_the_labels_are_is_said(tmp_path):
    path = save(tmp_path / "a.csv", "u,v,n\n1,0.5,p\n2,1.5,q\n3,2.5,p\n4,3.25,q\n")
    assert load(path).about == ["a.csv: labels are column 3 ('n'), 2 classes"]
    match = "not continuous values; labels are column 2 .'v'., --target names another"
    with pytest.raises(DataError, match=match):
        load(path, target="v")
    assert load("iris").about == []


def test_texts_that_look_like_numbers_are_noted(tmp_path):
    rows = "".join(f'{k % 3}.5%,"1,10{k % 3}",c{k % 2},{k % 2}\n' for k in range(12))
    data = load(save(tmp_path / "a.csv", f"rate,sum,kind,y\n{rows}"))
    assert data.notes == (
        "taken for categories, although they look like numbers: column 1 ('rate'), "
        "such as '0.5%'; column 2 ('sum'), such as '1,100'",
        "3 of 3 features are categories, and become 8 features that are 0 or 1: "
        "column 1 ('rate'), column 2 ('sum'), column 3 ('kind')",
    )
    rows = "".join(f"{k}.5%,{k % 2}\n" for k in range(30))
    with pytest.raises(DataError, match=r"'0.5%' \(make numbers of them\?\), too many"):
        load(save(tmp_path / "b.csv", f"rate,y\n{rows}"))
    data = load(tmp_path / "a.csv", categorical=("rate", "sum"))
    assert "look like numbers" not in "".join(data.notes)


def test_numbers_as_names(tmp_path):
    # nothing but numbers is taken for data
    path = save(tmp_path / "a.csv", "1990,2000,3\n1,5,0\n2,6,1\n3,7,0\n4,8,1\n")
    with pytest.raises(DataError, match=r"is it the name of a column \(--header\)"):
        load(path)
    data = load(path, header=True)
    assert data.names == ("1990", "2000")
    assert data.X.shape == (4, 2)
    # a name comes before a number
    path = save(tmp_path / "b.csv", "3,2,1\n0,5,7\n1,6,8\n0,7,9\n1,8,4\n")
    data = load(path, header=True, target="3")
    assert data.names == ("2", "1")
    assert list(data.y) == [0, 1, 0, 1]


def test_headers_of_texts(tmp_path):
    rows = "red,small,a\nred,big,b\nblue,small,a\nblue,big,b\n"
    path = save(tmp_path / "a.csv", f"colour,size,kind\n{rows}")
    data = load(path)
    assert data.names == ("colour", "size")
    (note,) = data.notes[:1]
    assert "taken for names of columns; if it is not: --no-header" in note
    # the names of columns do not recur in them
    path = save(tmp_path / "b.csv", rows)
    data = load(path)
    assert (data.names, len(data.y)) == ((), 4)
    assert "taken for data; if it is not: --header" in data.notes[0]
    assert "--" not in "".join(load(path, header=False).notes)
    # a name on the command line settles it
    path = save(tmp_path / "c.csv", f"red,size,kind\n{rows}")
    with pytest.raises(DataError, match=r"is it the name of a column \(--header\)"):
        load(path)
    assert load(path, drop=("size",)).names == ("red",)


def test_names_of_rows(tmp_path):
    # as the function write.table of R writes them
    path = save(
        tmp_path / "a.csv",
        '"size","kind"\n' + "".join(f'"r{k}",{k},{"ab"[k % 2]}\n' for k in range(12)),
    )
    with pytest.raises(DataError, match=r"column 1 has 12 different texts .*--drop 1"):
        load(path)
    data = load(path, drop=("1",))
    assert data.names == ("size",)
    assert_array_equal(data.X[:, 0], np.arange(12))


def test_numbered_rows_are_noted(tmp_path):
    path = save(tmp_path / "a.csv", "".join(f"{k},{k**2},{k % 2}\n" for k in range(12)))
    assert load(path).notes == ("column 1 numbers the rows, to no purpose",)


# ------------------------------------------------------------------------- columns


@pytest.fixture
def table(tmp_path):
    """A file with `ROWS` and their names."""
    return save(tmp_path / "a.csv", lines([NAMES, *ROWS]))


def test_target(table):
    for target in "colour", "2", "-4":
        data = load(table, target=target)
        assert_array_equal(data.y, [row[1] for row in ROWS])
        assert data.names == ("size", "is_new", "power", "kind")
        assert data.categories == {3: ["a", "b"]}


def test_drop(table):
    data = load(table, drop=("colour", "1", "-2"))
    assert data.names == ("is_new",)
    assert data.categories == {}


def test_categorical(table):
    data = load(table, categorical=("power",))
    assert data.categories[3] == [str(2**k) for k in range(12)]
    assert_array_equal(data.X[:, 3], np.arange(12))
    assert data.preprocessor().fit_transform(data.X).shape == (12, 2 + 3 + 12)


def test_mixed_columns_may_be_categories(tmp_path):
    path = save(tmp_path / "a.csv", "1,a\nx,b\n10,a\n2,b\n?,a\nx,b\n")
    with pytest.raises(DataError, match=r"line 2, .*'x' is not a finite number, and"):
        load(path)
    data = load(path, categorical=("1",), missing="impute")
    assert data.categories == {0: ["1", "2", "10", "x"]}
    assert_array_equal(data.X[:, 0], [0, 3, 2, 1, np.nan, 3])


def test_wrong_columns(table):
    for reading, message in (
        ({"target": "knid"}, "there is no column 'knid': is it 'kind'?"),
        ({"target": "x"}, "there is no column 'x': choose from size, colour, is_new"),
        ({"target": "6"}, "there is no column '6'"),
        ({"target": "0"}, "there is no column '0'"),
        ({"drop": ("-6",)}, "there is no column '-6'"),
        ({"drop": ("kind",)}, r"column 5 \('kind'\) is the target and cannot be"),
        ({"drop": tuple("1234")}, "no features are left beside column 5"),
        ({"target": "power"}, r"class 1.0 has 1 samples, too few for 2 folds"),
        ({"categorical": ("kind, too",)}, "there is no column 'kind, too'"),
    ):
        with pytest.raises(DataError, match=message):
            load(table, **reading)


def test_names_that_are_not_unique(tmp_path):
    path = save(tmp_path / "a.csv", "a,b,a,y\n1,2,3,0\n3,4,5,1\n3,4,7,0\n1,2,9,1\n")
    assert load(path).names == ("a", "b", "a")
    with pytest.raises(DataError, match="2 columns are called 'a': give the number, 1"):
        load(path, drop=("a",))
    assert_array_equal(load(path, drop=("1", "2")).X[:, 0], [3, 5, 7, 9])


def test_columns_without_names(tmp_path):
    path = save(tmp_path / "a.csv", "1,a\n2,b\n")
    with pytest.raises(
        DataError, match="the columns have no names, the first one is 1"
    ):
        load(path, target="kind")


def test_columns_that_are_no_features(tmp_path):
    n = 30
    rows = [
        (f"person {k}", f"2024-01-{k + 1:02}", "", k % 5, f"{k % 7}:30", "ab"[k % 2])
        for k in range(n)
    ]
    names = ["name, full", "day", "hole", "number", "hour", "kind"]
    header = lines([[f'"{name}"' for name in names]])
    path = save(tmp_path / "a.csv", header + lines(rows))
    with pytest.raises(DataError) as info:
        load(path)
    for part in (
        "column 1 ('name, full') has 30 different texts in 30 rows, such as 'person 0'",
        "column 2 ('day') has dates or times, such as '2024-01-01'",
        "column 3 ('hole') has no values",
        "and 1 more columns",
        "leave out with --drop 1,day,hole,hour",
    ):
        assert part in str(info.value)
    data = load(path, drop=("1", "day", "hole"), categorical=("hour",))
    assert data.categories == {1: [f"{k}:30" for k in range(7)]}


def test_many_categories(tmp_path):
    n = 1000
    text = "".join(f"c{k % 101},{k % 2}\n" for k in range(n))
    with pytest.raises(
        DataError, match="column 1 has 101 different texts in 1000 rows"
    ):
        load(save(tmp_path / "a.csv", text))
    text = "".join(f"c{k % 100},{k % 2}\n" for k in range(n))
    assert load(save(tmp_path / "b.csv", text)).n_channels == 100


def test_options_are_for_tables(tmp_path, error_of):
    for option in (
        ["--target", "1"],
        ["--header"],
        ["--no-header"],
        ["--missing", "drop"],
    ):
        assert "iris has no columns" in error_of(["compare", "iris", *option])
    np.savez(tmp_path / "a.npz", X=np.eye(4), y=[0, 1, 0, 1])
    path = str(tmp_path / "a.npz")
    for option in (["--drop", "1"], ["--header"]):
        assert "not for .npz files" in error_of(["compare", path, *option])
    (tmp_path / "a.parquet").touch()
    path = str(tmp_path / "a.parquet")
    assert "not for .parquet files" in error_of(["compare", path, "--header"])


def test_names_are_split_as_in_a_file():
    assert split_names('age, "name, full",b') == ["age", "name, full", "b"]
    assert split_names("") == []


# ------------------------------------------------------------------ missing values

HOLES = ["", *"NA na NaN nan N/A #N/A null NULL ? <NA> none".split()]


def with_holes(path, hole=""):
    """A file with a hole in a number, in a text, and in a label."""
    rows = [list(row) for row in ROWS]
    rows[2][0] = rows[5][0] = rows[5][1] = hole
    rows[7][-1] = "?"
    return save(path, lines([NAMES, *rows]))


def test_missing_values_are_an_error(tmp_path):
    path = with_holes(tmp_path / "a.csv")
    with pytest.raises(DataError) as info:
        load(path)
    assert (
        "line 9 has no label; --missing drop leaves out such samples, 1 of 12"
        in str(info.value)
    )
    path.write_text(path.read_text().replace("?", "b"))
    with pytest.raises(DataError) as info:
        load(path)
    for part in (
        "line 4, column 1 ('size') has no value; 3 of 48 values are missing",
        "in 2 of 12 samples",
        "--missing drop",
        "--missing impute",
    ):
        assert part in str(info.value)


def test_dropped(tmp_path):
    data = load(with_holes(tmp_path / "a.csv"), missing="drop")
    kept = [k for k in range(12) if k not in (2, 5, 7)]
    assert_array_equal(data.X[:, 0], [ROWS[k][0] for k in kept])
    assert_array_equal(data.y, [ROWS[k][-1] for k in kept])
    assert data.notes[1] == "3 of 12 samples, with missing values, are dropped"


def test_imputed(tmp_path):
    expected = np.zeros((11, 4), dtype=bool)
    expected[2, 0] = expected[5, 0] = expected[5, 1] = True
    for hole in HOLES:
        path = with_holes(tmp_path / "a.csv", hole)
        if hole == "none":  # a category where other values are texts
            path.write_text(path.read_text().replace("none,none", "none,"))
        data = load(path, missing="impute")
        assert data.notes[1:3] == (
            "1 of 12 samples, without a label, are dropped",
            "3 missing values in 2 of 4 features are imputed: medians or most frequent "
            "values of the training samples",
        )
        assert_array_equal(np.isnan(data.X), expected)


def test_none_is_a_category_among_texts(tmp_path):
    data = load(save(tmp_path / "a.csv", "none,0\nsome,1\nnone,0\nsome,1\n"))
    assert data.categories == {0: ["none", "some"]}


def test_nothing_is_left(tmp_path):
    path = save(tmp_path / "a.csv", "1,,a\n,2,b\n3,,a\n,4,b\n")
    with pytest.raises(DataError, match="no samples are left: all 4 have missing"):
        load(path, missing="drop")


def test_missing_values_of_npz(tmp_path):
    X = np.arange(16.0).reshape(8, 2)
    X[3, 1] = np.nan
    y = np.array([0, 1, 0, 1, 0, 1, 0, np.nan])
    np.savez(tmp_path / "a.npz", X=X, y=y)
    data = load(tmp_path / "a.npz", missing="impute")
    assert_array_equal(data.X, X[:7])
    data = load(tmp_path / "a.npz", missing="drop")
    assert_array_equal(data.X, np.delete(X, [3, 7], axis=0))
    X[3, 1] = np.inf
    np.savez(tmp_path / "a.npz", X=X, y=y)
    with pytest.raises(DataError, match=r"X\[3, 1\] is inf, not a finite number"):
        load(tmp_path / "a.npz", missing="drop")


def test_infinity_is_no_missing_value(tmp_path):
    path = save(tmp_path / "b.csv", "1,0\n2,inf\n3,0\n4,inf\n")
    with pytest.raises(DataError, match=r"b.csv: the label inf is no class"):
        load(path, missing="drop")
    path = save(tmp_path / "a.csv", "1,a\ninf,b\n2,a\n3,b\n")
    with pytest.raises(DataError, match="line 2, column 1: inf is not a finite number"):
        load(path, missing="drop")


def test_labels(tmp_path):
    texts = ["1", "x", "1", "x"], ["True", "false"] * 2, ["été", "ete"] * 2
    numbers = ["1", "2.0", "1.0", "2"], [1.0, 2.0, 1.0, 2.0]
    for labels, y in (numbers, *zip(texts, texts, strict=True)):
        text = "".join(f"{k},{label}\n" for k, label in enumerate(labels))
        data = load(save(tmp_path / "a.csv", text))
        assert_array_equal(data.y, y)


CELLS = [
    *("0", "1", "2.5", "", "?", "inf", "nan", "a", "b", "2024-01-02", "true", "none"),
    *('"q,x"', '"', "1_0", " ", "é", "1e400", "1,5", "-", "\x00", '"a\nb"'),
]


@pytest.mark.parametrize("missing", ["error", "drop", "impute"])
def test_any_table_is_read_or_refused_in_one_line(tmp_path, missing):
    rng = np.random.RandomState(0)
    path, messages = tmp_path / "a.csv", []
    for _ in range(120):
        pool = rng.choice(CELLS, rng.randint(1, 6))
        rows = rng.choice(pool, (rng.randint(1, 30), rng.randint(2, 4)))
        path.write_text(lines(rows, rng.choice([",", ";", "\t"])), newline="")
        try:
            data = load(path, missing=missing)
        except DataError as error:
            messages.append(str(error))
            continue
        for train, test in data.splits:
            found = data.preprocessor().fit(data.X[train]).transform(data.X[test])
            assert np.isfinite(found).all()
    assert 40 < len(messages) < 120
    assert all(len(message.splitlines()) == 1 for message in messages)


# ---------------------------------------------------------------- the preprocessor


def test_numbers_are_scaled_as_ever():
    X = np.random.RandomState(0).randn(20, 3)
    for scaler in StandardScaler, MinMaxScaler, None:
        data = Data("toy", X, np.arange(20) % 2, [], scaler)
        found = data.preprocessor().fit(X[:15]).transform(X)
        assert_array_equal(found, scaler().fit(X[:15]).transform(X) if scaler else X)


def test_nothing_is_learned_from_test_samples():
    nan = np.nan
    # The last category, and a high number, are in the test samples alone.
    X = np.array(
        [[1, 0], [nan, 1], [3, nan], [8, 1], [nan, 2], [1000, 2], [nan, nan]],
        dtype=float,
    )
    train, test = np.arange(4), np.arange(4, 7)
    data = Data(
        "toy", X, np.arange(7) % 2, [(train, test)], categories={1: ["a", "b", "c"]}
    )
    assert data.n_channels == 4
    preprocessor = data.preprocessor()
    assert isinstance(preprocessor, ColumnTransformer)
    preprocessor.fit(X[train])
    # The median of 1, 3 and 8, and the most frequent category, are imputed.
    numbers = np.array([1, 3, 3, 8])
    scaled = (numbers - numbers.mean()) / numbers.std()
    one_hot = [[1, 0], [0, 1], [0, 1], [0, 1]]
    assert_allclose(
        preprocessor.transform(X[train]), np.column_stack([scaled, one_hot]), rtol=1e-12
    )
    high = (1000 - numbers.mean()) / numbers.std()
    expected = [[scaled[1], 0, 0], [high, 0, 0], [scaled[1], 0, 1]]
    assert_allclose(preprocessor.transform(X[test]), expected, rtol=1e-12)


def test_a_feature_without_values_in_a_fold():
    X = np.array([[1, np.nan, np.nan], [2, np.nan, np.nan], [3, 1, 0], [4, 2, 1]])
    data = Data("toy", X, np.arange(4) % 2, [], categories={2: ["a", "b"]})
    found = data.preprocessor().fit(X[:2]).transform(X)
    assert found.shape == (4, 3)
    assert np.isfinite(found).all()


def test_constant_columns(tmp_path):
    path = save(tmp_path / "a.csv", "1,x,5,a\n2,x,5,b\n3,x,5,a\n4,x,5,b\n")
    data = load(path)
    found = data.preprocessor().fit_transform(data.X)
    assert_array_equal(found[:, 1:], [[0, 1]] * 4)
