"""Makes the golden traces beside it: `python3 generate.py`. The same seed gives the same bytes.

Each trace is 6 minutes of 3 components under a canary of 10 %, one line a second, component and arm; latencies are
log-normal. The fault begins in the third minute.
"""

import gzip
import io
import json
import math
import pathlib
import random

BEGIN, SECONDS, FAULT = 1_800_000_000, 360, 120
COMPONENTS = {"checkout": 30.0, "search": 60.0, "cart": 10.0}


def poisson(rng, mean):
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


def arm_line(rng, t, component, arm, mean, fault):
    outcomes, latencies, still_open = {}, {}, 0
    for _ in range(poisson(rng, mean)):
        kind = fault(rng) if fault else None
        if kind == "open":
            still_open += 1
            continue
        outcome = kind or ("server_error" if rng.random() < 0.002 else "ok")
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        if outcome == "ok":
            us = int(20_000 * math.exp(rng.gauss(0, 0.4)))
            us = us if us < 256 else us >> 8 << 8
            latencies[us] = latencies.get(us, 0) + 1
    line = {"t": t, "component": component, "arm": arm, "outcomes": outcomes}
    if latencies:
        line["latency_us"] = sorted(latencies.items())
    if still_open:
        line["open"] = [[1, still_open]]
    return line


def trace(name, seed, scale=1.0, faulty=None, fault=None):
    rng = random.Random(seed)
    out = io.StringIO()
    for second in range(SECONDS):
        lines = []
        for component, rate in COMPONENTS.items():
            for arm, share in (("baseline", 0.9), ("canary", 0.1)):
                bad = fault if arm == "canary" and component in (faulty or ()) and second >= FAULT else None
                line = arm_line(rng, BEGIN + second, component, arm, rate * scale * share, bad)
                if line["outcomes"] or "open" in line:
                    line["weight_ppm"] = 100_000
                    lines.append(line)
        rng.shuffle(lines)
        for line in lines:
            out.write(json.dumps(line, separators=(",", ":")) + "\n")
    path = pathlib.Path(__file__).with_name(f"{name}.jsonl.gz")
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(out.getvalue().encode())


def failing(share):
    return lambda rng: "server_error" if rng.random() < share else None


trace("good", 1)
trace("bad_route", 2, faulty=["checkout"], fault=failing(0.3))
trace("hang", 3, faulty=["search"], fault=lambda rng: "open" if rng.random() < 0.5 else None)
trace("crash", 4, faulty=COMPONENTS, fault=lambda rng: "connect_failure")
trace("low_traffic", 5, scale=0.02)
