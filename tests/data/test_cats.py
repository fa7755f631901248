import errno
import hashlib
import io
import multiprocessing
import os
import socket
import tarfile
import threading
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutorial_lib.data import cats, open_dataset
from tutorial_lib.data.cats import load_cats
from tutorial_lib.data.pixels import fingerprint
from tutorial_lib.errors import TutorialError

SHARED = Path(__file__).parents[3] / "shared" / "data" / "cat-faces"
NEEDS_SHARED = pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not there")
COUNT = 12


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (COUNT, 64, 64, 3), dtype=np.uint8)


def pack(pixels, *, top="cat-dataset-c463f7f/", kind="png", mode="w:gz", order=None):
    """Pack images as the public archive does, and return its bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as packed:

        def add(name, data):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))

        add(f"{top}LICENSE", b"MIT License")
        add(f"{top}README.txt", b"Cats")
        for n in range(len(pixels)) if order is None else order:
            image = io.BytesIO()
            Image.fromarray(pixels[n]).save(image, kind, lossless=True)
            add(f"{top}cats/cat_{n}.{kind}", image.getvalue())
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def small_public_set(monkeypatch, pixels):
    """Stand in for the public photographs: twelve of them, and no mirror that answers."""
    monkeypatch.delenv("TUTORIAL_DATA", raising=False)
    monkeypatch.setattr(cats, "COUNT", COUNT)
    monkeypatch.setattr(cats, "DIGEST", hashlib.sha256(pixels.tobytes()).hexdigest())
    monkeypatch.setattr(cats, "ARCHIVE_BYTES", 1_000_000)
    monkeypatch.setattr(cats, "RETRIES", 0)
    monkeypatch.setattr(cats, "TIMEOUT", 5)
    monkeypatch.setattr(cats, "MIRRORS", (closed_port(),))


def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/cats.tar.gz"


@pytest.fixture
def serve():
    """Serve answers by path; an answer is a list of (status, body, announced length)."""
    servers = []

    def start(answers):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                left = answers[self.path]
                status, body, length = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                if length is not None:
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def whole(data):
    return (200, data, len(data))


def cut(data):
    return (200, data[: len(data) // 2], len(data))


def cut_unannounced(data):
    return (200, data[: len(data) // 2], None)


def assert_only_arrays(cache):
    assert {path.suffix for path in cache.iterdir()} <= {".npy"}


# ---- the network


def test_download_decodes_and_caches(tmp_path, monkeypatch, serve, pixels, capsys):
    address, asked = serve({"/a": [whole(pack(pixels))]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a",))
    images = load_cats(cache=tmp_path / "new" / "cache")
    assert isinstance(images, np.memmap) and not images.flags.writeable
    np.testing.assert_array_equal(images, pixels)
    np.testing.assert_array_equal(load_cats(cache=tmp_path / "new" / "cache"), pixels)
    assert asked == ["/a"]
    assert_only_arrays(tmp_path / "new" / "cache")
    printed = capsys.readouterr()
    assert "Fetching" in printed.out and printed.err == ""
    load_cats(cache=tmp_path / "another", progress=False)
    assert capsys.readouterr() == ("", "")


def test_the_order_is_that_of_the_numbers_not_of_the_archive(tmp_path, monkeypatch, serve, pixels):
    order = np.random.default_rng(1).permutation(COUNT)
    address, _ = serve({"/a": [whole(pack(pixels, order=order))]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a",))
    np.testing.assert_array_equal(load_cats(cache=tmp_path), pixels)


@pytest.mark.parametrize(
    "first", [(404, b"gone", 4), (503, b"", 0), (200, b"<html>Log in</html>", 19)]
)
def test_the_next_mirror_is_tried(tmp_path, monkeypatch, serve, pixels, first):
    address, asked = serve({"/a": [first], "/b": [whole(pack(pixels))]})
    monkeypatch.setattr(cats, "MIRRORS", (closed_port(), address + "/a", address + "/b"))
    np.testing.assert_array_equal(load_cats(cache=tmp_path), pixels)
    assert asked == ["/a", "/b"]
    assert_only_arrays(tmp_path)


@pytest.mark.parametrize("broken", [cut, cut_unannounced])
def test_a_broken_download_leaves_nothing_and_starts_clean(
    tmp_path, monkeypatch, serve, pixels, broken
):
    data = pack(pixels)
    address, _ = serve({"/a": [broken(data), whole(data)]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a",))
    with pytest.raises(TutorialError, match=r"could not be downloaded \(127"):
        load_cats(cache=tmp_path)
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(load_cats(cache=tmp_path), pixels)


def test_a_broken_download_is_retried(tmp_path, monkeypatch, serve, pixels):
    import pooch.core

    data = pack(pixels)
    address, asked = serve({"/a": [cut(data), (503, b"", 0), whole(data)]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a",))
    monkeypatch.setattr(cats, "RETRIES", 2)
    monkeypatch.setattr(pooch.core.time, "sleep", lambda _: None)
    np.testing.assert_array_equal(load_cats(cache=tmp_path), pixels)
    assert len(asked) == 3


def test_other_pixels_than_the_published_are_refused(tmp_path, monkeypatch, serve, pixels):
    altered = pixels.copy()
    altered[5, 1, 2, 0] ^= 1
    address, _ = serve({"/a": [whole(pack(altered))], "/b": [whole(pack(pixels[:-1]))]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a", address + "/b"))
    with pytest.raises(TutorialError, match="12 images it sent have the SHA-256 .* the 11 images"):
        load_cats(cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_network_and_cache_one_sentence_names_the_alternatives(tmp_path):
    with pytest.raises(TutorialError) as caught:
        load_cats(cache=tmp_path)
    message = str(caught.value)
    for named in (str(tmp_path), "127.0.0.1", "network", "TUTORIAL_DATA", "draw_cats"):
        assert named in message
    assert "\n" not in message and message.count(". ") == 0


def test_a_damaged_cache_is_built_anew(tmp_path, monkeypatch, serve, pixels):
    address, asked = serve({"/a": [whole(pack(pixels))]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a",))
    load_cats(cache=tmp_path)
    (cached,) = tmp_path.iterdir()
    for damaged in (b"", b"nonsense", cached.read_bytes()[:5000]):
        cached.write_bytes(damaged)
        np.testing.assert_array_equal(load_cats(cache=tmp_path), pixels)
    assert len(asked) == 4


def test_what_killed_processes_left_is_cleared_after_a_day(tmp_path, monkeypatch, serve, pixels):
    address, _ = serve({"/a": [whole(pack(pixels))]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a",))
    for name in ("download-old", "download-young"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cat-dataset.tar.gz").write_bytes(b"half")
    for name in ("old.tmp", "young.tmp"):
        (tmp_path / name).write_bytes(b"half")
    for name in ("download-old", "old.tmp"):
        os.utime(tmp_path / name, (time.time() - 2 * 86400,) * 2)
    load_cats(cache=tmp_path)
    left = {path.name for path in tmp_path.iterdir() if path.suffix != ".npy"}
    assert left == {"download-young", "young.tmp"}


def load_in_a_process(mirror, cache, count, digest, start, results):
    cats.MIRRORS, cats.COUNT, cats.DIGEST, cats.ARCHIVE_BYTES = (mirror,), count, digest, 1
    start.wait(30)
    results.put(fingerprint(load_cats(cache=cache)))


def test_processes_that_load_at_once_do_not_disturb_each_other(tmp_path, serve, pixels):
    address, _ = serve({"/a": [whole(pack(pixels))]})
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(3), context.Queue()
    arguments = (address + "/a", tmp_path, COUNT, cats.DIGEST, start, results)
    processes = [context.Process(target=load_in_a_process, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    assert [results.get(timeout=60) for _ in processes] == [cats.DIGEST] * 3
    for process in processes:
        process.join(30)
    assert_only_arrays(tmp_path)


# ---- the cache folder


def test_a_cache_that_is_a_file(tmp_path):
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(TutorialError, match="kept in .*cache .*make room.*XDG_CACHE_HOME"):
        load_cats(cache=tmp_path / "cache")


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_what_the_disk_refuses_gets_advice_on_the_cache(tmp_path, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(cats, "_fetch", refuse)
    with pytest.raises(TutorialError, match=f"{os.strerror(code)}.*make room there") as caught:
        load_cats(cache=tmp_path)
    assert "argument" not in str(caught.value) and "`cache`" not in str(caught.value)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_stale_certificate_file_is_named_as_the_cause(tmp_path, monkeypatch, variable):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "gone.pem"))
    monkeypatch.setattr(cats, "MIRRORS", (closed_port().replace("http:", "https:"),))
    with pytest.raises(TutorialError, match=r"could not be downloaded \(.*gone\.pem") as caught:
        load_cats(cache=tmp_path / "cache")
    assert "make room" not in str(caught.value) and " MB " not in str(caught.value)


def test_a_stale_certificate_file_of_openssl_does_not_blame_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    monkeypatch.setattr(cats, "MIRRORS", (closed_port().replace("http:", "https:"),))
    with pytest.raises(TutorialError, match="could not be downloaded") as caught:
        load_cats(cache=tmp_path / "cache")
    assert "make room" not in str(caught.value)


def test_too_little_space_is_said_before_the_download(tmp_path, monkeypatch, serve, pixels):
    address, asked = serve({"/a": [whole(pack(pixels))]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a",))
    monkeypatch.setattr(cats, "ARCHIVE_BYTES", 2**62)
    with pytest.raises(TutorialError, match=r"only [\d,]+ MB are free.* MB are needed"):
        load_cats(cache=tmp_path)
    assert asked == [] and list(tmp_path.iterdir()) == []


@pytest.fixture
def limit_files():
    """Let files grow to a limit and no further, as a disk that fills up does."""
    resource = pytest.importorskip("resource", reason="the system has no limits of this kind")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("stage", ["download", "array"])
def test_a_disk_that_fills_up_meanwhile(tmp_path, monkeypatch, serve, pixels, limit_files, stage):
    if stage == "array":  # the archive of images of one colour is small, their array is not
        pixels = np.broadcast_to(pixels[:, :1, :1], pixels.shape)
        monkeypatch.setattr(cats, "DIGEST", fingerprint(pixels))
    address, _ = serve({"/a": [whole(pack(pixels))]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a",))
    limit_files(100_000)
    with pytest.raises(TutorialError, match=f"{tmp_path}.*File too large.*make room"):
        load_cats(cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


# ---- local sources


@pytest.mark.parametrize(("kind", "mode"), [("webp", "w"), ("png", "w:gz")])
def test_a_local_archive_replaces_the_network(tmp_path, monkeypatch, pixels, kind, mode):
    packed = tmp_path / "cats.packed"
    packed.write_bytes(pack(pixels, kind=kind, mode=mode, top=""))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images = load_cats(packed, cache=tmp_path / "cache")
        np.testing.assert_array_equal(images, pixels)
        monkeypatch.setenv("TUTORIAL_DATA", str(packed))
        np.testing.assert_array_equal(load_cats(cache=tmp_path / "cache"), pixels)


def test_the_argument_goes_before_the_environment(tmp_path, monkeypatch, pixels):
    (tmp_path / "a.tar").write_bytes(pack(pixels[:3], mode="w"))
    monkeypatch.setenv("TUTORIAL_DATA", str(tmp_path / "missing.tar"))
    assert len(load_cats(tmp_path / "a.tar", cache=tmp_path / "cache")) == 3


def test_a_wrong_environment_variable_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_DATA", str(tmp_path / "missing.tar"))
    with pytest.raises(TutorialError, match=r"TUTORIAL_DATA: .*missing\.tar cannot be read"):
        load_cats(cache=tmp_path)


def test_a_folder_in_any_layout_and_size(tmp_path):
    for n, shape in enumerate([(100, 80), (30, 30), (64, 200)]):
        Image.new("RGB", shape, (n, n, n)).save(tmp_path / f"{n}.bmp")
    images = load_cats(tmp_path, cache=tmp_path.with_name("cache-of-any-layout"))
    assert images.shape == (3, 64, 64, 3) and list(images[:, 9, 9, 1]) == [0, 1, 2]


def test_files_left_out_are_warned_of(tmp_path, pixels):
    Image.fromarray(pixels[0]).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"x")
    with pytest.warns(UserWarning, match=r"skipped 1 file, damaged: bad\.png \(no") as caught:
        load_cats(tmp_path, cache=tmp_path.with_name("cache-of-bad"))
    assert caught[0].filename == __file__


def test_a_local_set_as_large_as_the_public_one_but_altered_is_warned_of(tmp_path, pixels):
    (tmp_path / "a.tar").write_bytes(pack(255 - pixels, mode="w"))
    with pytest.warns(UserWarning, match="not the published ones"):
        images = load_cats(tmp_path / "a.tar", cache=tmp_path / "cache")
    np.testing.assert_array_equal(images, 255 - pixels)


def test_a_source_without_images_leaves_no_cache(tmp_path):
    (tmp_path / "source").mkdir()
    with pytest.raises(TutorialError, match="holds no readable image"):
        load_cats(tmp_path / "source", cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


# ---- other sizes, through the one door


def test_open_dataset_resizes_the_photographs_once(tmp_path, monkeypatch, serve, pixels):
    address, asked = serve({"/a": [whole(pack(pixels))]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a",))
    monkeypatch.setattr(cats, "CHUNK", 5)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    images, skipped = open_dataset("cats", 16)
    assert images.shape == (COUNT, 16, 16, 3) and skipped == {}
    blocks = pixels.reshape(COUNT, 16, 4, 16, 4, 3).mean((2, 4))
    assert np.abs(images - blocks).mean() < 20  # picking pixels would differ by 60
    monkeypatch.setattr(cats.folder, "resize_images", None)
    np.testing.assert_array_equal(open_dataset("cats", 16)[0], images)
    np.testing.assert_array_equal(open_dataset("cats")[0], pixels)
    assert asked == ["/a"]


def test_resizing_shows_a_bar_where_somebody_watches(tmp_path, monkeypatch, serve, pixels, capsys):
    address, _ = serve({"/a": [whole(pack(pixels))]})
    monkeypatch.setattr(cats, "MIRRORS", (address + "/a",))
    monkeypatch.setattr(cats, "is_watched", lambda: True)
    cats.load_cats_sized(16, cache=tmp_path)
    assert "Resizing: 100%" in capsys.readouterr().err
    cats.load_cats_sized(8, cache=tmp_path, progress=False)
    assert capsys.readouterr().err == ""


def test_a_local_source_is_decoded_at_the_size_asked(tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    (tmp_path / "source").mkdir()
    Image.fromarray(pixels).save(tmp_path / "source" / "a.png")
    monkeypatch.setenv("TUTORIAL_DATA", str(tmp_path / "source"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    np.testing.assert_array_equal(open_dataset("cats", 96)[0], pixels[None])
    assert open_dataset("cats", 8)[0].shape == (1, 8, 8, 3)


# ---- the real files


@NEEDS_SHARED
def test_the_public_archive_as_packed_by_its_host(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample = load_cats(SHARED / "cat-dataset-sample.tar.gz", cache=tmp_path)
    assert sample.shape == (400, 64, 64, 3)
    members = tarfile.open(SHARED / "cat-faces-64-lossless.tar")
    with members, tarfile.open(tmp_path / "first.tar", "w") as first:
        for _ in range(400):
            member = members.next()
            first.addfile(member, members.extractfile(member))
    lossless = load_cats(tmp_path / "first.tar", cache=tmp_path)
    np.testing.assert_array_equal(sample, lossless)
