import pytest

from cutedl.files import publish


def stop_half_way(path):
    with publish(path) as temporary:
        temporary.write_text("half")
        raise KeyError


def test_a_file_is_published_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "file"
    with pytest.raises(KeyError):
        stop_half_way(path)
    assert list(path.parent.iterdir()) == []
    with publish(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert [file.read_text() for file in path.parent.iterdir()] == ["whole"]


def test_the_users_umask_decides_who_may_read_it(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    with publish(tmp_path / "published"):
        pass
    assert (tmp_path / "published").stat().st_mode == plain.stat().st_mode
