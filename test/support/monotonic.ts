/** Replaces the monotonic clock (core/timer.ts `monotonicMs`) in each test by `read`, which is given the real time (ms). */
export function useMonotonic(read: (rightMs: number) => number): void {
  const { hrtime } = process;
  const answer = (): [number, number] => {
    const [seconds, nanoseconds] = hrtime();
    const ms = read(seconds * 1000 + nanoseconds / 1_000_000);
    return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
  };
  beforeEach(() => {
    process.hrtime = Object.assign(answer, { bigint: () => hrtime.bigint() });
  });
  afterEach(() => {
    process.hrtime = hrtime;
  });
}
