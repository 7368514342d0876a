"""Where a client works: what is kept for whom, what is shared, and how much it may be."""

import errno
import fcntl
import os
import threading

import pytest

from cells import Limits, Refusal, plan
from clients import client
from machine import eventually, loop_devices

MEGABYTE = 1 << 20
KEPT = plan("kept", ephemeral=False)


def files(cell):
    """Without what Cloister keeps there."""
    return cell.shell("ls")[1].decode().split()


def test_a_kept_workspace_is_of_one_user_and_one_application(celld):
    with client(1000) as (one, _), client(1001) as (other, _):
        first = celld.build(KEPT, one)
        assert first.shell("pwd; ls -A; stat -c '%u %g %a' .; echo mine > file")[1] == b"/workspace\n1000 1000 755\n"
        first.close()
        assert celld.wait_for("gone") == first.number
        for encoded_plan, connection, expected in [
            (KEPT, one, ["file"]),
            (plan("other", ephemeral=False), one, []),
            (plan("kept.", ephemeral=False), one, []),
            (KEPT, other, []),
            (plan("kept"), one, []),
            (KEPT, one, ["file"]),
        ]:
            cell = celld.build(encoded_plan, connection)
            assert files(cell) == expected
            cell.close()


def test_a_kept_workspace_outlives_its_celld(tmp_path, started):
    tmp_path.chmod(0o755)
    for expected in ([], ["file"], ["file"]):
        with started(state=str(tmp_path)) as (keeper, _):
            cell = keeper.build(KEPT)
            assert files(cell) == expected
            cell.shell("echo x > file; sync")
            cell.close()


def test_cells_of_one_workspace_share_it(celld):
    one, other = celld.build(KEPT), celld.build(KEPT)
    one.shell("echo 1 > file")
    assert other.shell("cat file; echo 2 >> file")[1] == b"1\n"
    assert one.shell("cat file")[1] == b"1\n2\n"
    assert len(loop_devices(celld.state)) == 1
    one.close()
    assert other.shell("cat file")[1] == b"1\n2\n"
    other.close()


def test_fleeting_workspaces_are_not_shared(celld):
    one, other = celld.build(), celld.build()
    one.shell("echo 1 > file")
    assert files(other) == []
    one.close()
    third = celld.build()
    assert files(third) == []
    other.close()
    third.close()


@pytest.mark.parametrize("ephemeral", [True, False], ids=["fleeting", "kept"])
def test_a_workspace_has_a_limit(celld, ephemeral):
    """Its sparse image, too, takes no more of the host's disk."""
    limits = Limits(workspace_bytes=16 * MEGABYTE)
    cell = celld.build(plan("full", ephemeral, limits))
    _, output, errors = cell.shell("dd if=/dev/zero of=file bs=1M count=64; sync; stat -c %s file")
    assert b"No space left on device" in errors
    assert 8 * MEGABYTE < int(output) <= 16 * MEGABYTE
    if not ephemeral:
        image = f"{celld.state}/workspaces/65534/full.ext4"
        assert os.stat(image).st_blocks * 512 <= 16 * MEGABYTE
        assert os.stat(image).st_mode & 0o777 == 0o600
    # Whoever fills it up can empty it.
    assert cell.shell("rm file && echo x > small && cat small")[1] == b"x\n"
    cell.close()


@pytest.mark.parametrize("size", [256 << 10, MEGABYTE, 4 * MEGABYTE, 15 * MEGABYTE, 1 << 30])
def test_a_kept_workspace_may_be_small(celld, size):
    cell = celld.build(plan("small", False, Limits(workspace_bytes=size)))
    assert cell.shell("echo x > file && cat file")[1] == b"x\n"
    free = int(cell.shell("df -B1 --output=avail . | tail -1")[1])
    assert size / 2 < free <= size
    cell.close()


def test_files_without_content_are_limited_too(celld):
    """A workspace has room for many, not for as many as somebody likes."""
    cell = celld.build(plan("many", False, Limits(workspace_bytes=4 * MEGABYTE)))
    _, output, errors = cell.run("perl", "-e", "$! = 0; for (1..1e6) { open my $f, '>', $_ or die qq($_: $!) }")
    assert b"No space left on device" in errors
    cell.close()


def test_a_crowd_of_small_files_does_not_hold_a_fleeting_cell_up(celld):
    cell = celld.build(plan(limits=Limits(workspace_bytes=4 * MEGABYTE, temporary_bytes=4 * MEGABYTE)))
    for place in ("/tmp", "/dev/shm", "/workspace"):
        script = f"$! = 0; for (1..1e5) {{ open my $f, '>', qq({place}/$_) or die qq($_: $!) }}"
        errors = cell.run("perl", "-e", script)[2]
        assert b"No space left on device" in errors, place
    cell.close()


@pytest.mark.parametrize("thing", ["ln -s /etc/shadow .", "ln -s / up", "mkfifo pipe", "mkdir -m 0 closed"])
def test_what_was_left_in_a_workspace_does_not_keep_the_next_cell_out(celld, thing):
    cell = celld.build(KEPT)
    cell.shell(thing)
    cell.close()
    cell = celld.build(KEPT)
    assert len(files(cell)) == 1
    cell.close()


def test_nothing_in_a_workspace_is_a_device_or_gives_rights(celld):
    cell = celld.build(KEPT)
    assert cell.shell("mknod null c 1 3")[0].exit != 0
    assert cell.shell("cp /usr/bin/id id && chmod 6755 id && ./id -u")[1] == b"65534\n"
    assert b"nosuid,nodev" in cell.shell("grep ' /workspace ' /proc/mounts")[1]
    cell.close()


def test_a_workspace_that_cannot_be_mounted_is_a_refusal_and_stays_as_it_is(celld):
    """An image that something destroyed: nobody makes a new one in its place."""
    celld.knock()
    os.makedirs(f"{celld.state}/workspaces/65534", mode=0o711)
    image = f"{celld.state}/workspaces/65534/kept.ext4"
    with open(image, "wb") as file:
        file.write(b"not a file system" * 100_000)
    with pytest.raises(Refusal) as refusal:
        celld.build(KEPT).close()
    assert refusal.value.wall == "workspace"
    assert eventually(lambda: loop_devices(celld.state) == [])
    with open(image, "rb") as file:
        assert file.read(17) == b"not a file system"


def test_an_image_that_is_a_link_is_not_followed(celld, tmp_path):
    celld.knock()
    os.makedirs(f"{celld.state}/workspaces/65534", mode=0o711)
    os.symlink("/dev/null", f"{celld.state}/workspaces/65534/kept.ext4")
    with pytest.raises(Refusal) as refusal:
        celld.build(KEPT).close()
    assert refusal.value.wall == "workspace"


@pytest.fixture
def left_image(tmp_path, started):
    """The state of a celld that has ended, and an image in it."""
    tmp_path.chmod(0o755)
    with started(state=str(tmp_path)) as (keeper, _):
        keeper.build(KEPT).close()
    assert eventually(lambda: loop_devices(str(tmp_path)) == [])
    with open(tmp_path / "workspaces/65534/kept.ext4", "rb") as image:
        yield str(tmp_path), image


def is_locked(image):
    try:
        fcntl.flock(image, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(image, fcntl.LOCK_UN)
    return False


def test_an_image_that_dying_cells_still_have_is_not_attached_again(left_image, started):
    state, image = left_image
    fcntl.flock(image, fcntl.LOCK_EX)
    with started(state=state) as (keeper, _):
        with pytest.raises(Refusal) as refusal:
            keeper.build(KEPT)
        assert refusal.value.wall == "workspace"
        assert os.strerror(errno.EBUSY) in refusal.value.reason
        assert loop_devices(state) == []


def test_an_image_that_is_put_away_meanwhile_is_waited_for(left_image, started):
    state, image = left_image
    fcntl.flock(image, fcntl.LOCK_EX)
    release = threading.Timer(0.5, fcntl.flock, (image, fcntl.LOCK_UN))
    release.start()
    with started(state=state) as (keeper, _):
        cell = keeper.build(KEPT)
        assert cell.shell("echo here")[1] == b"here\n"
        cell.close()
    release.join()


def test_an_attached_image_is_locked_until_nobody_has_it(left_image, started):
    state, image = left_image
    with started(state=state) as (keeper, _):
        cell = keeper.build(KEPT)
        cell.close()
        # Kept ready for the next cell.
        assert is_locked(image)
    assert eventually(lambda: not is_locked(image))
