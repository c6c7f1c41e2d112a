import random

import numpy as np
import pytest

from cutedl.commands import labels, samples
from cutedl.errors import ArgumentError, CorruptDataError, CutedlError, LabelError, UnknownNameError


def table(tmp_path, text, target=None):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    return samples.read(str(path), target).train


@pytest.mark.parametrize(
    "text",
    [
        "a,b,kind\n1,2,x\n3,4,y\n",
        "1,2,x\n3,4,y\n",
        "1;2;x\n3;4;y",
        "a\tb\tkind\n1\t2\tx\n3\t4\ty\n",
        '"a","b","kind"\r\n"1","2","x"\r\n"3","4","y"\r\n',
        "\ufeffa, b, kind\n1, 2, x\n3, 4, y\n\n",
    ],
)
def test_a_table_is_read_with_and_without_header(tmp_path, text):
    x, y = table(tmp_path, text)
    np.testing.assert_array_equal(x, [[1, 2], [3, 4]])
    assert y.tolist() == ["x", "y"]


def test_the_label_may_stand_in_any_column(tmp_path):
    x, y = table(tmp_path, "a,b,c\n1,2,3\n4,5,6\n", target="b")
    np.testing.assert_array_equal(x, [[1, 3], [4, 6]])
    np.testing.assert_array_equal(y, [2, 5])
    with pytest.raises(UnknownNameError, match="no column is named 'B'. expected one of: a, b, c. hint: did you mean"):
        table(tmp_path, "a,b,c\n1,2,3\n", target="B")
    with pytest.raises(ArgumentError, match="has no header: no column is named 'b'. hint: leave --target out"):
        table(tmp_path, "1,2\n3,4\n", target="b")


def test_labels_that_are_numbers_become_numbers(tmp_path):
    assert table(tmp_path, "1,2\n3,4.5\n").y.dtype == np.float64
    assert table(tmp_path, "1,2\n3,four\n").y.tolist() == ["2", "four"]


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("", "it has no two columns. expected features and a label, divided by commas, semicolons or tabs, received "),
        ("", "first line ''"),
        ("alone\n", "first line 'alone'"),
        ("\xff\xfe\x00", "first line"),
        ("a,b\n", "line 1, column 1. expected a number, received 'a'"),
        ("1,2,x\n3,y\n", "its rows differ in length. expected 3 cells in every row, received 2 in line 2"),
        ("a,b,kind\n1,2,x\n1,2,x,9\n", "expected 3 cells in every row, received 4 in line 3"),
        ("a,b,kind\n\n1,2,x\n2,blue,y\n", "line 4, column 'b'. expected a number, received 'blue'. hint: fill it, or "),
        ("a,b,kind\n1,2,x\n ,3,y\n", "line 3, column 'a'. expected a number, received an empty cell"),
        ("kind;a;b\nx;1,5;2\ny;2;3\n", "line 2, column 'kind'. expected a number, received 'x'"),
        ('a,b,kind\n1,2,"x\ny"\n1,NA,z\n', "line 4, column 'b'. expected a number, received 'NA'"),
        ("a,b,kind\n1,2,x\n3,4,\n", "line 3, column 'kind'. expected a label, received an empty cell"),
        ("1,2,0.5\n3,4, \n", "line 2, column 3. expected a label, received an empty cell"),
        ("a,b,kind\n1_000,2,x\n", "not all features are numbers. expected numbers, received "),  # but a float of Python
        (f"a,b\n1,{'x' * 200_000}\n", "its cells cannot be told apart."),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, text, received):
    with pytest.raises(CorruptDataError, match=r"table.csv cannot be used as a table of samples") as caught:
        table(tmp_path, text)
    assert received in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 250


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n1,\xff\xfe\n")
    with pytest.raises(CorruptDataError, match="not all of it is text. expected UTF-8, .*hint: save it again in UTF-8"):
        samples.read(str(path))


@pytest.mark.parametrize("names", [("x", "y"), ("x_train", "y_train"), ("x_train", "y_train", "x_test", "y_test")])
def test_an_archive_is_read_by_the_names_in_it(tmp_path, names):
    path = tmp_path / "data.npz"
    np.savez(path, other=np.zeros(1), **{name: np.full((2, 3), i) for i, name in enumerate(names)})
    found = samples.read(str(path))
    assert found.source == "data.npz"
    parts = [*found.train, *(found.test or [])]
    assert [int(part[0, 0]) for part in parts] == list(range(len(names)))


class Trap:
    def __reduce__(self):
        return pytest.fail, ("code of a file was run",)


def test_an_archive_never_runs_code(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=np.array([Trap()], dtype=object), y=np.zeros(1), allow_pickle=True)
    with pytest.raises(CorruptDataError, match="cannot be used. expected an .npz archive, received Object arrays"):
        samples.read(str(path))


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, a=np.zeros(1), b=np.zeros(1))
    with pytest.raises(CorruptDataError, match="does not name its arrays as expected. .*received a, b"):
        samples.read(str(path))
    whole = path.read_bytes()
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(CorruptDataError):
        samples.read(str(path))
    for damaged in (b"", b"PK\x03\x04", b"text", whole[:-30], whole.replace(b"NUMPY", b"NUMBY")):
        path.write_bytes(damaged)
        with pytest.raises(CorruptDataError):
            samples.read(str(path))
    with pytest.raises(FileNotFoundError):
        samples.read(str(tmp_path / "nowhere.npz"))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_archive_is_refused_or_read_as_it_was(tmp_path, save):
    """Whatever zipfile, zlib and NumPy raise at it: the command line knows one error for it."""
    path, rng = tmp_path / "data.npz", random.Random(0)
    x, y = np.arange(600.0).reshape(100, 6), np.arange(100)
    save(path, x=x, y=y)
    whole = path.read_bytes()
    for _ in range(1500):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(len(whole))] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            part = samples.read(str(path)).train
        except CorruptDataError:
            continue
        np.testing.assert_array_equal(part.x, x)
        np.testing.assert_array_equal(part.y, y)


def test_an_archive_whose_header_lies_about_its_length_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=np.ones((90_000, 2)), y=np.ones(40_000))
    path.write_bytes(path.read_bytes().replace(b"(90000, 2)", b"(40000, 2)"))
    with pytest.raises(CorruptDataError, match=r"expected an \.npz archive, received x\.npy with a wrong checksum"):
        samples.read(str(path))


def test_another_name_is_answered_with_what_can_be_read():
    with pytest.raises(ArgumentError) as caught:
        samples.read("minst")
    assert str(caught.value) == (
        "this names no data. expected mnist, digits (a rendered stand-in for it), a file.npz with x and y, "
        "or a file.csv, received 'minst'."
    )


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (np.array(["1", "a"]), "classification"),
        (np.array([b"a", b"b"]), "classification"),
        (np.array([0, 1, 2]), "classification"),
        (np.array([[0.0], [3.0]]), "classification"),
        (np.array([True, False]), "classification"),
        (np.eye(4), "classification"),
        (np.arange(20), "classification"),
        (np.arange(21), "regression"),
        (np.array([0.5, 1.0]), "regression"),
        (np.array([[1, 2], [3, 4]]), "regression"),
        (np.array([1.0, np.nan]), "regression"),
    ],
)
def test_the_task_is_told_by_the_labels(y, task):
    assert labels.guess_task(labels.tidy(y))[0] == task


@pytest.mark.parametrize("y", [[1e20, 3e20], [2.0**53, 1.0], [-1.0, 0.0], [1.0, np.inf], [0.5, 2.0]])
def test_tidy_labels_are_the_same_numbers(y):
    tidy = labels.tidy(np.array(y))
    assert tidy.tolist() == y
    assert (tidy.dtype == np.int64) == (max(y) < 2**63 and np.rint(y).tolist() == y)


def test_tidy_labels_are_the_same_text():
    assert labels.tidy(np.array(["Öl".encode(), b"\xff", b"\xfe"])).tolist() == ["Öl", "\\xff", "\\xfe"]
    assert labels.tidy(np.array([2**64 - 1, 3], np.uint64)).tolist() == [2**64 - 1, 3]


def test_classes_are_counted_by_name():
    y = labels.tidy(np.array([7.0, 3.0, 7.0, 11.0]))
    names = labels.class_names(y)
    assert names == ["3", "7", "11"]
    assert labels.class_indices(y, names).tolist() == [1, 0, 1, 2]
    with pytest.raises(LabelError) as caught:
        labels.class_indices(np.array([7, 4, 5]), names)
    assert str(caught.value) == (
        "labels do not name the classes that the model knows. expected 3, 7, 11, received 4, 5."
    )
    with pytest.raises(CutedlError, match="received rows of"):
        labels.class_indices(np.array([[3, 7]]), names)
    with pytest.raises(LabelError, match=r"received 20, 21, 22, 23, 24, 25, 26, 27 and 992 more\.$"):
        labels.class_indices(np.arange(20, 1020), names)
    with pytest.raises(LabelError, match="all labels are the same. expected at least 2 classes, received '7' alone"):
        labels.class_names(np.array([7, 7]))
