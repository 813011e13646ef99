"""The room seen: one page for all machines, compared with what it is made of; measurements in a real Prometheus."""
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from browser import Browser
from clients import PORT, make
from harness import NETWORK, Host, Proc, Trial

PAGE_PORT = 6880
METRICS_PORT = 9095
PROMETHEUS_PORT = 9090
DONE = ("lab-01", "lab-02", "lab-03", "lab-04")
SLOW = "lab-05"
EVIL = "<img src=x onerror=document.title='evil'>"
MANY = 1000
CROWD_PORT = 20000
CROWD_TRACKER_PORT = 7969
# every machine that is asked changes its row: two hundred a second
CHANGES_BYTES_MAX = 200_000
SMOOTH = """(async () => {
  const gaps = [], sizes = [];
  const events = new EventSource('/events');
  events.onmessage = (event) => sizes.push(event.data.length);
  let last = performance.now();
  const end = last + 15000;
  await new Promise((done) => {
    const tick = (now) => { gaps.push(now - last); last = now; now < end ? requestAnimationFrame(tick) : done(); };
    requestAnimationFrame(tick);
  });
  events.close();
  gaps.sort((a, b) => a - b);
  const at = (part) => gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * part))];
  return { frames: gaps.length, median: at(.5), p95: at(.95), most: at(1), first: sizes[0], updates: sizes.slice(1) };
})()"""
# once a second: seen 20 to 60 ms, with other work on both cores up to 150
UPDATE_MS_MAX = 300
COPY_MB = 64
HAND_PICTURES = "SWARMCOPY_PICTURES"
ROWS = """[...document.querySelectorAll('#rows tr')].map(row => ({
  name: row.querySelector('.name').textContent, state: row.querySelector('.state').textContent,
  part: row.querySelector('.part').textContent, says: row.querySelector('.says').textContent,
  bar: row.querySelector('[role=progressbar]').getAttribute('aria-valuenow')}))"""


def the_page_shows_what_the_room_is(t: Trial) -> None:
    """Eight processes, one slow, one stuck, one that was stopped; and one that was expected and never came."""
    torrent = _content(t)
    desk, source = t.host("desk"), _seed(t, torrent, "source", "--machine-name", "source")
    share = ("--share", str(t.dir / "origin"))
    machines = [_get(t, torrent, name, _peer(source), "--machine-name", name, "--group", "lab", *share) for name in DONE]
    machines.append(_get(t, torrent, "evil", _peer(source), "--machine-name", EVIL))
    slow = _get(t, torrent, SLOW, _peer(source), "--machine-name", SLOW, "--group", "lab", "--limit-down", "800K", *share)
    stuck = _get(t, torrent, "stuck", "", "--machine-name", "stuck", "--mirror", f"http://{desk.address}:1/")
    silent = machines[3]
    t.wait("the copies are complete", lambda: all(it.events("complete") for it in machines))
    expected = t.dir / "expected"
    expected.write_text("# the lab\n" + "".join(f"{name}\n" for name in (*DONE, SLOW, "stuck", "lab-99")))
    room = _room(t, desk, torrent, _peer(source), stuck, "--expect", expected)
    url = f"http://{desk.address}:{PAGE_PORT}"
    t.wait("all machines were seen", lambda: _states(url, "done") >= 6)
    silent.popen.send_signal(signal.SIGSTOP)
    wanted = {"source": "done", "lab-01": "done", "lab-02": "done", "lab-03": "done", "lab-04": "silent", EVIL: "done", SLOW: "copying",
              "stuck": "stuck", "lab-99": "expected"}
    t.wait("every machine stands as it is", lambda: _named(url) == wanted)
    with Browser(desk.space, t.dir) as browser:
        browser.size(1280, 900)
        browser.open(url)
        t.wait("the page shows all machines", lambda: len(browser.ask(ROWS)) == len(wanted))
        t.wait("the page and the JSON agree", lambda: _agree(browser, url))
        t.check(browser.ask("document.title").startswith("5/9 "), f"the title is {browser.ask('document.title')}")
        says = {row["name"]: row["says"] for row in browser.ask(ROWS)}
        t.check("share or mirror to answer" in says["stuck"], f"the stuck one says {says['stuck']}")
        t.check("expected" in says["lab-99"] and "not answer" in says["lab-04"], f"they say {says}")
        urgent = browser.ask("[...document.querySelectorAll('#urgent li a')].map(a => a.textContent)")
        t.check(urgent == ["stuck", "lab-04", "lab-99"], f"what needs a look: {urgent}")
        _pictures(t, browser)
        _keyboard(t, browser)
        _closely(t, browser, url)
        browser.open(url)
        t.wait("the page is back", lambda: len(browser.ask(ROWS)) == len(wanted))
        _many(t, browser)
        t.check(not browser.complaints, f"the page complains: {browser.complaints}")
    _data(t, url, room)


def a_thousand_machines_are_shown_live(t: Trial) -> None:
    """A thousand machines that say how they do, each at an address of its own: all stand on the page within half a minute,
    and it stays smooth while two hundred of them change each second."""
    torrent = _content(t)
    desk = t.host("desk")
    shown = json.loads(subprocess.run([t.bench.swarmcopy, "show", torrent, "--json"], check=True, capture_output=True).stdout)
    crowd = t.start(desk, "crowd", [
        sys.executable, Path(__file__).with_name("crowd.py"), "--tracker-port", str(CROWD_TRACKER_PORT), "--port", str(CROWD_PORT),
        "--machines", str(MANY), "--bytes", str(COPY_MB << 20), "--info-hash",
        urllib.request.quote(bytes.fromhex(shown["info_hash"]))])
    crowd.serves = True
    t.wait("the crowd stands", lambda: crowd.events("crowd"))
    room = t.start(desk, "room", [
        t.bench.swarmcopy, "room", torrent, "--listen", f"{desk.address}:{PAGE_PORT}", "--json", "--no-lsd",
        "--tracker", f"http://127.0.0.1:{CROWD_TRACKER_PORT}/announce"])
    room.serves = True
    t.wait("the page stands", lambda: room.events("page"))
    url, start = f"http://{desk.address}:{PAGE_PORT}", time.monotonic()
    with Browser(desk.space, t.dir) as browser:
        browser.size(1280, 900)
        browser.open(url)
        t.wait("every machine has its row", lambda: len(browser.ask(ROWS)) == MANY)
        found = time.monotonic() - start
        told = browser.ask(SMOOTH)
        rates = browser.ask("Math.min(...[...machines.values()].map(m => m.history.length))")
        t.check(rates >= 2, f"a machine has {rates} rates")
        t.check(_states(url, "stuck") == MANY // 250, "the stuck ones are not told")
        t.check(not browser.complaints, f"the page complains: {browser.complaints}")
        _pictures(t, browser, "crowd")
        paper = browser.paper()
        t.check(paper.startswith(b"%PDF"), "the page can't be printed")
        (t.dir / "crowd.pdf").write_bytes(paper)
    updates = told["updates"]
    print(f"        {MANY} machines found in {found:.0f} s; a frame each {told['median']:.0f} ms, 95 of 100 within {told['p95']:.0f} ms, "
          f"all within {told['most']:.0f} ms; {sum(updates) / len(updates) / 1000:.0f} kB an update, the first {told['first'] / 1000:.0f} kB")
    t.check(max(updates) <= CHANGES_BYTES_MAX, f"an update of {max(updates)} bytes")
    t.check_measured(found <= 30, f"{found:.0f} s until all stood there")
    t.check_measured(told["median"] <= 34, f"a frame each {told['median']:.0f} ms")
    t.check_measured(told["most"] <= 1000, f"a pause of {told['most']:.0f} ms")


def nobody_counts_who_looks_on(t: Trial) -> None:
    """A machine that is alone reads its mirror as if nobody looked on, and tells nothing if it is told so."""
    torrent = _content(t)
    desk, alone, shy = t.host("desk"), t.host("alone"), t.host("shy")
    # who looks on is there first, and is told to everybody by local discovery
    room = t.start(desk, "room", [t.bench.swarmcopy, "room", torrent, "--listen", f"{desk.address}:{PAGE_PORT}", "--json"])
    t.wait("the page stands", lambda: room.events("page"))
    reports = []
    for host, flags in ((alone, ()), (shy, ("--status", "none"))):
        proc = t.start(host, f"get-{host.name}", [
            t.bench.swarmcopy, "get", torrent, "--to", t.dir / f"to-{host.name}", "--share", t.dir / "origin", "--json",
            "--machine-name", host.name, "--seed-for", "6s", "--listen", f"{host.address}:{PORT}", *flags])
        t.wait_exit(proc)
        told = proc.events("report")[0]
        peers = max(event["peers"] for event in proc.events("progress"))
        t.check(peers == 0, f"{host.name} counts {peers} peers")
        t.check(told["from_share"] == told["bytes"], f"{host.name} took {told['from_share']} bytes from the share")
        reports.append(told["seconds"])
    states = _named(f"http://{desk.address}:{PAGE_PORT}")
    t.check(states.get("alone") == "left" and "shy" not in states, f"the room is {states}")
    print(f"        {reports[0]:.2f} s, told nothing {reports[1]:.2f} s")


def prometheus_reads_the_measurements(t: Trial) -> None:
    """Debian's Prometheus scrapes a tracker, a seed, a get and a room, and answers queries about them."""
    torrent = _content(t)
    desk, lab, site = t.host("desk"), t.host("lab"), t.host("site")
    tracker = t.start(site, "tracker", [t.bench.swarmcopy, "tracker", "--listen", f"{site.address}:6969", "--json",
                                        "--metrics", _metrics(site)])
    tracker.serves = True
    t.wait("the tracker listens", lambda: tracker.events("listening"))
    announce = f"http://{site.address}:6969/announce"
    giver = _seed(t, torrent, "source", "--metrics", f"{NETWORK}4:{METRICS_PORT}", "--tracker", announce)
    source = t.hosts["source"]
    at = {host: _metrics(host) for host in (lab, site, source)}
    getter = t.start(lab, "get", [
        t.bench.swarmcopy, "get", torrent, "--to", t.dir / "to", "--tracker", announce, "--no-lsd", "--json", "--stay",
        "--share", t.dir / "origin", "--origin", "never",
        "--listen", f"{lab.address}:{PORT}", "--metrics", _metrics(lab), "--machine-name", "lab-01"])
    t.wait("the copy is complete", lambda: getter.events("complete"))
    room = _room(t, desk, torrent, _peer(giver), getter)
    targets = [*at.values(), f"{desk.address}:{PAGE_PORT}"]
    config = t.dir / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: swarmcopy\n  static_configs:\n  - targets: "
        + json.dumps(targets) + "\n")
    prometheus = t.start(desk, "prometheus", [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={t.dir / 'tsdb'}",
        f"--web.listen-address={desk.address}:{PROMETHEUS_PORT}"])
    prometheus.serves = True

    def value(query: str) -> float | None:
        url = f"http://{desk.address}:{PROMETHEUS_PORT}/api/v1/query?query=" + urllib.request.quote(query)
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                result = json.load(answer)["data"]["result"]
        except (urllib.error.URLError, ConnectionError):
            return None
        return float(result[0]["value"][1]) if result else None

    size = float(COPY_MB << 20)
    for query, wanted in (
            ('sum(up{job="swarmcopy"})', 4.0),
            ('swarmcopy_verified_bytes_total{source="peer"}', size),
            (f'swarmcopy_uploaded_bytes_total{{instance="{at[source]}"}}', size),
            (f'swarmcopy_have_bytes{{instance="{at[lab]}"}}', size),
            ('swarmcopy_tracker_contents', 1.0),
            ('swarmcopy_tracker_peers', 2.0),
            ('swarmcopy_room_machines{state="done"}', 2.0),
            ('swarmcopy_room_machine_verified_bytes{machine="lab-01"}', size),
            ('count(swarmcopy_build_info)', 4.0)):
        t.wait(f"{query} is {wanted}", lambda query=query, wanted=wanted: value(query) == wanted, 30)
    _dashboard(t, value)
    t.check(room.code() is None, "the room has ended")


def _dashboard(t: Trial, value: Any) -> None:
    """Every measurement that the dashboard names is one that Prometheus knows."""
    board = json.loads((Path(__file__).parents[2] / "docs" / "grafana.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    t.check(len(queries) >= 8, "the dashboard asks little")
    for query in queries:
        for name in {word for word in query.replace("(", " ").replace("{", " ").replace("[", " ").split()
                     if word.startswith("swarmcopy_")}:
            t.check(value(f"count({name})") is not None, f"the dashboard asks for {name}, which nobody measures")


def _content(t: Trial) -> Path:
    origin = t.dir / "origin"
    (origin / "CS5").mkdir(parents=True)
    (origin / "CS5" / "data.bin").write_bytes(os.urandom(1 << 20) * COPY_MB)
    return make(t, top=origin / "CS5", to="CS5.torrent")


def _seed(t: Trial, torrent: Path, name: str, *flags: str) -> Proc:
    host = t.host(name)
    proc = t.start(host, f"seed-{name}", [
        t.bench.swarmcopy, "seed", torrent, "--from", t.dir / "origin", "--listen", f"{host.address}:{PORT}", "--json", *flags])
    proc.serves = True
    t.wait("swarmcopy seed starts", lambda: proc.events("started"))
    return proc


def _peer(proc: Proc) -> str:
    return proc.argv[proc.argv.index("--listen") + 1]


def _metrics(host: Host) -> str:
    return f"{host.address}:{METRICS_PORT}"


def _get(t: Trial, torrent: Path, name: str, peer: str, *flags: str) -> Proc:
    host = t.host(name)
    peers = ["--peer", peer] if peer else []
    return t.start(host, f"get-{name}", [
        t.bench.swarmcopy, "get", torrent, "--to", t.dir / f"to-{name}", "--listen", f"{host.address}:{PORT}", "--json",
        "--no-lsd", "--stay", *peers, *flags])


def _room(t: Trial, desk: Host, torrent: Path, peer: str, other: Proc, *flags: str | Path) -> Proc:
    room = t.start(desk, "room", [
        t.bench.swarmcopy, "room", torrent, "--listen", f"{desk.address}:{PAGE_PORT}", "--json", "--no-lsd",
        "--peer", peer, "--peer", _peer(other), *flags])
    room.serves = True
    t.wait("the page stands", lambda: room.events("page"))
    return room


def _json(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/room.json", timeout=5) as answer:
        return json.load(answer)


def _states(url: str, state: str) -> int:
    return _json(url)["totals"]["states"][state]


def _named(url: str) -> dict[str, str]:
    return {machine["name"]: machine["state"] for machine in _json(url)["machines"]}


def _agree(browser: Browser, url: str) -> bool:
    """The rows of the page are the machines of the JSON, in its order."""
    data, rows = _json(url)["machines"], browser.ask(ROWS)
    shown = [(row["name"], row["state"], row["bar"]) for row in rows]
    part = [str(it["verified"] * 100 // it["bytes"]) if it["bytes"] else "0" for it in data]
    wanted = [(it["name"], it["state"], bar) for it, bar in zip(data, part, strict=True)]
    # what is on its way has come further meanwhile
    return [row for row in shown if row[1] != "copying"] == [row for row in wanted if row[1] != "copying"]


def _pictures(t: Trial, browser: Browser, name: str = "room") -> None:
    """The page fits its width, in light and dark; pictures go where somebody wants to look at them."""
    kept = os.environ.get(HAND_PICTURES)
    for width, height, dark in ((1280, 900, False), (400, 800, False), (1280, 900, True)):
        browser.size(width, height, dark=dark)
        wide = browser.ask("document.documentElement.scrollWidth")
        t.check(wide <= width, f"the page is {wide} wide in {width}")
        picture = t.dir / f"{name}-{width}{'-dark' if dark else ''}.png"
        browser.picture(picture, whole=name == "room")
        if kept:
            shutil.copy(picture, kept)
    browser.size(1280, 900)


def _keyboard(t: Trial, browser: Browser) -> None:
    browser.press("/")
    t.check(browser.ask("document.activeElement.id") == "f-name", "/ does not lead to the search")
    browser.ask("(() => { const it = document.getElementById('f-name'); it.value = 'lab-0';"
                " it.dispatchEvent(new Event('input')); })()")
    names = [row["name"] for row in browser.ask(ROWS)]
    t.check(sorted(names) == [*DONE, SLOW], f"the search shows {names}")
    browser.press("Escape")
    t.check(len(browser.ask(ROWS)) == 9, "Escape does not end the search")
    nameless = browser.ask("[...document.querySelectorAll('input, select, canvas, [role=progressbar]')]"
                           ".filter(it => !it.getAttribute('aria-label') && !it.closest('label')"
                           " && it.offsetParent).map(it => it.id)")
    t.check(not nameless, f"without a name for a screen reader: {nameless}")


def _closely(t: Trial, browser: Browser, url: str) -> None:
    """A machine's own page has its sources and its decisions."""
    key = next(machine["key"] for machine in _json(url)["machines"] if machine["name"] == "lab-01")
    browser.open(f"{url}/machine/{key}")
    t.wait("its sources are shown", lambda: "peer" in browser.ask("document.querySelector('#m-sources tbody')?.textContent ?? ''"))
    title = browser.ask("document.getElementById('title').textContent")
    t.check(title == "lab-01", f"the page of lab-01 is headed {title}")
    browser.size(400, 800)
    wide = browser.ask("document.documentElement.scrollWidth")
    t.check(wide <= 400, f"the page of a machine is {wide} wide in 400")
    browser.size(1280, 900)
    told = browser.ask("document.getElementById('m-facts').textContent")
    t.check(str(t.dir) not in told and "linux" in told, f"the facts are {told}")


def _many(t: Trial, browser: Browser) -> None:
    """A thousand machines, of which two hundred change at a time, are drawn at once."""
    took = browser.ask(f"""(async () => {{
      const one = (await (await fetch('/room.json')).json()), base = one.machines.find(m => m.state === 'done');
      const machine = (key, rate) => ({{...base, key: 10000 + key, name: 'pc-' + key, state: 'copying', rate,
        history: Array.from({{length: 60}}, (_, at) => [at * 5, (at * key) % 100 * 1e6]), verified: base.bytes * (rate % 100) / 100}});
      const all = Array.from({{length: {MANY}}}, (_, key) => machine(key, key));
      const room = {{...one, machines: []}};
      take({{version: 1, all: true, room, machines: all, dropped: []}});
      document.body.offsetHeight;
      const start = performance.now();
      for (let turn = 0; turn < 10; turn += 1)
        take({{version: 2 + turn, all: false, room, dropped: [],
          machines: Array.from({{length: 200}}, (_, at) => machine((at * 5 + turn) % {MANY}, at + turn))}}),
          document.body.offsetHeight;
      return (performance.now() - start) / 10;
    }})()""")
    rows = browser.ask("document.querySelectorAll('#rows tr').length")
    t.check(rows >= MANY, f"{rows} rows of {MANY}")
    print(f"        {took:.0f} ms for an update of 200 among {MANY} machines")
    t.check_measured(took <= UPDATE_MS_MAX, f"an update takes {took:.0f} ms")


def _data(t: Trial, url: str, room: Proc) -> None:
    """CSV, JSON lines and the guard against strange names."""
    with urllib.request.urlopen(f"{url}/room.csv", timeout=5) as answer:
        rows = list(csv.DictReader(io.StringIO(answer.read().decode())))
    t.check({row["name"]: row["state"] for row in rows} == _named(url), f"the table is {rows}")
    events = room.events("room")
    t.check(events and {it["name"] for it in events[-1]["machines"]} == set(_named(url)), "the lines of JSON differ")
    request = urllib.request.Request(f"{url}/room.json", headers={"Host": "evil.example"})
    try:
        urllib.request.urlopen(request, timeout=5)
        t.check(False, "a strange name opens the page")
    except urllib.error.HTTPError as error:
        t.check(error.code == 421, f"a strange name gets {error.code}")
    start = time.monotonic()
    room.serves = False
    t.check(room.stop() == 0, "the room does not end well")
    t.check_measured(time.monotonic() - start < 5, "the room takes long to end")
