"""The programs of embed/ do their jobs, the deploy tool with a real object server."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import tomllib

import boto3
import botocore
import pytest

BIN = pathlib.Path(os.environ["EMBED_BIN"])
HERE = pathlib.Path(__file__).parents[1]


def run(name, *args, code=0, **more):
    program = [BIN / name, *map(str, args)]
    ran = subprocess.run(program, capture_output=True, text=True, timeout=120, **more)
    assert ran.returncode == code, (ran.returncode, ran.stdout, ran.stderr)
    return ran


def torrent_of(tree):
    run("swarmcopy", "make", tree)
    return tree.with_name(tree.name + ".torrent")


def tree_of(folder, name, size):
    tree = folder / name
    (tree / "deep").mkdir(parents=True)
    (tree / "a.bin").write_bytes(os.urandom(size))
    (tree / "deep" / "b.bin").write_bytes(os.urandom(size // 3))
    return tree


def same(a, b):
    files = [path.relative_to(a) for path in a.rglob("*") if path.is_file()]
    return all((a / path).read_bytes() == (b / path).read_bytes() for path in files)


@pytest.fixture(scope="module")
def store():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            client(url).create_bucket(Bucket="bucket")
            break
        except botocore.exceptions.EndpointConnectionError:
            assert server.poll() is None
            time.sleep(0.05)
    yield url
    server.terminate()
    server.wait(10)


def client(url):
    login = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "region_name": "us-east-1"}
    config = botocore.config.Config(retries={"total_max_attempts": 1}, proxies={})
    return boto3.client("s3", endpoint_url=url, config=config, **login)


def upload(store, tree):
    for path in tree.rglob("*"):
        if path.is_file():
            key = f"{tree.name}/{path.relative_to(tree).as_posix()}"
            readable = {"ACL": "public-read", "Body": path.read_bytes()}
            client(store).put_object(Bucket="bucket", Key=key, **readable)


def test_three_trees_are_deployed_from_the_object_store(store, tmp_path):
    trees = [tree_of(tmp_path, name, 3_000_000) for name in ("one", "two", "three")]
    for tree in trees:
        upload(store, tree)
    torrents = [torrent_of(tree) for tree in trees]
    to = tmp_path / "to"
    steered = subprocess.Popen(
        [BIN / "embed-deploy", f"{store}/bucket", to, *torrents],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    said, _ = steered.communicate("pause\nresume\n", timeout=120)
    assert steered.returncode == 0, said
    for tree in trees:
        assert same(tree, to / tree.name)
    assert said.count("of 4000000 bytes from the store") == 3, said
    # again: nothing is read from the store
    again = run("embed-deploy", f"{store}/bucket", to, *torrents, stdin=subprocess.DEVNULL)
    assert "two: 0 of 4000000 bytes from the store" in again.stdout


def test_a_deployment_that_is_stopped_goes_on(store, tmp_path):
    tree = tree_of(tmp_path, "big", 30_000_000)
    upload(store, tree)
    torrent, to = torrent_of(tree), tmp_path / "to"
    stopped = run("embed-deploy", f"{store}/bucket", to, torrent, code=1, input="stop\n")
    assert "of 40000000 bytes" in stopped.stdout
    run("embed-deploy", f"{store}/bucket", to, torrent, stdin=subprocess.DEVNULL)
    assert same(tree, to / "big")


def test_failures_of_a_deployment_are_told_by_kind(store, tmp_path):
    tree = tree_of(tmp_path, "wrong", 100_000)
    torrent = torrent_of(tree)
    (tree / "a.bin").write_bytes(os.urandom(100_000))
    upload(store, tree)
    ran = run("embed-deploy", f"{store}/bucket", tmp_path / "to", torrent, code=1, stdin=subprocess.DEVNULL)
    assert "Mismatch" in ran.stderr and "the mirror differs" in ran.stderr


def test_a_torrent_is_inspected(tmp_path):
    ran = run("embed-inspect", torrent_of(tree_of(tmp_path, "tree", 1000)))
    assert "1000 a.bin" in ran.stdout and "333 deep/b.bin" in ran.stdout


def test_metalinks_are_read_and_one_is_written(tmp_path):
    document = tmp_path / "x.meta4"
    document.write_text(
        '<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="a.bin"><size>4</size>'
        '<hash type="sha-256">9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</hash>'
        "<url>a.bin</url></file></metalink>"
    )
    out = tmp_path / "all.meta4"
    ran = run("embed-links", out, "http://host/", document, document)
    assert ran.stdout.count("4 a.bin sha-256, 1 mirrors") == 2
    assert out.read_text().count("http://host/a.bin") == 2


def test_a_client_of_its_own_copies_over_the_piece_store(tmp_path):
    source = tmp_path / "data.bin"
    source.write_bytes(os.urandom(1_000_000))
    ran = run("embed-store", source, tmp_path / "to")
    assert ran.stdout == "7 pieces first\n9 pieces then\n"
    assert (tmp_path / "to" / "data.bin").read_bytes() == source.read_bytes()


def test_two_groups_outlive_an_outage():
    assert "copies to two groups of 8" in run("embed-outage").stdout


@pytest.mark.parametrize("program,most", [("deploy", 60), ("inspect", 30)])
def test_the_programs_are_short(program, most):
    lines = (HERE / program / "src" / "main.rs").read_text().splitlines()
    assert len(lines) <= most, len(lines)


def test_the_table_of_the_readme_tells_lines_and_what_each_needs():
    rows = re.findall(r"\| `(\w+)` \| (\d+) \| ([^|]*) \| ([^|]*)\|", (HERE / "README.md").read_text())
    assert len(rows) == len(list(HERE.glob("*/src/main.rs")))
    for name, lines, ours, others in rows:
        assert len((HERE / name / "src" / "main.rs").read_text().splitlines()) == int(lines), name
        crates = {crate if crate == "swarmcopy" else f"swarmcopy-{crate}" for crate in ours.split(", ")}
        crates |= {crate for crate in others.strip().split(", ") if crate}
        manifest = tomllib.loads((HERE / name / "Cargo.toml").read_text())
        assert set(manifest["dependencies"]) == crates, name
