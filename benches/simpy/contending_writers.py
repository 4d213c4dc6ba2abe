"""The scenario contending-writers of evenkeel, written in SimPy as its documentation would have it: one process a client.

Prints one JSON object: the metrics over all runs, and the seconds that the runs took (without the start of Python).
"""

import argparse
import json
import random
import statistics
import time

import simpy

BASE_MS = 5.0
CAP_MS = 2000.0


class Row:
    """One row under optimistic concurrency control."""

    def __init__(self):
        self.version = 0
        self.writes = 0

    def write(self, version):
        self.writes += 1
        if version != self.version:
            return False
        self.version += 1
        return True


class Waits:
    """The wait before each retry of one client."""

    def __init__(self, algorithm, rng):
        self.algorithm = algorithm
        self.rng = rng
        self.retries = 0
        self.previous = BASE_MS

    def next(self):
        self.retries += 1
        ceiling = min(CAP_MS, BASE_MS * 2.0 ** min(self.retries, 64))
        if self.algorithm == "none":
            return 0.0
        if self.algorithm == "exponential":
            return ceiling
        if self.algorithm == "equal":
            return ceiling / 2 + self.rng.uniform(0, ceiling / 2)
        if self.algorithm == "full":
            return self.rng.uniform(0, ceiling)
        self.previous = min(CAP_MS, self.rng.uniform(BASE_MS, 3 * self.previous))
        return self.previous


def client(env, row, algorithm, rng):
    waits = Waits(algorithm, rng)

    def message():
        return env.timeout(abs(rng.gauss(10.0, 2.0)))

    yield message()  # the read
    while True:
        version = row.version
        yield message()  # its answer
        yield message()  # the write
        written = row.write(version)
        yield message()  # its answer
        if written:
            return
        yield env.timeout(waits.next() + abs(rng.gauss(10.0, 2.0)))  # the wait, and the next read


def run(clients, algorithm, seed):
    env = simpy.Environment()
    row = Row()
    for number in range(clients):
        env.process(client(env, row, algorithm, random.Random(seed * 1_000_003 + number)))
    env.run()
    return {"time_ms": env.now, "calls": row.writes, "failed": row.writes - clients}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--algorithm", default="full", choices=["none", "exponential", "equal", "full", "decorrelated"])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    start = time.process_time()
    runs = [run(args.clients, args.algorithm, args.seed * 1_000_000 + number) for number in range(args.runs)]
    seconds = time.process_time() - start
    metrics = {
        name: {
            "mean": statistics.fmean(values := [result[name] for result in runs]),
            "sd": statistics.stdev(values) if len(values) > 1 else 0.0,
        }
        for name in runs[0]
    }
    print(json.dumps({"seconds": seconds, "metrics": metrics}))


if __name__ == "__main__":
    main()
