/** Keeps a number of calls in flight for a while. @returns calls per second, and each call's time in milliseconds */
export async function closedLoop(
  inFlight: number,
  seconds: number,
  call: (n: number) => Promise<unknown>,
): Promise<{ count: number; rate: number; latencies: number[] }> {
  const latencies: number[] = [];
  const until = performance.now() + seconds * 1000;
  let n = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < until) {
        const start = performance.now();
        await call(n++);
        latencies.push(performance.now() - start);
      }
    }),
  );
  return { count: latencies.length, rate: (latencies.length * 1000) / (performance.now() - began), latencies };
}

/**
 * Begins calls at a fixed rate, whether earlier ones have ended or not.
 * @returns each call's time in milliseconds, from when it was due: what waits behind a stop of the server counts; how many failed; and by how
 * much this process itself was late with a call at most
 */
export async function openLoop(
  perSecond: number,
  seconds: number,
  call: (n: number) => Promise<unknown>,
): Promise<{ count: number; latencies: number[]; failed: number; late: number }> {
  const latencies: number[] = [];
  let failed = 0;
  const total = perSecond * seconds;
  const began = performance.now();
  const calls: Promise<unknown>[] = [];
  let late = 0;
  for (let n = 0; n < total; ) {
    const now = performance.now();
    const due = Math.min(total, Math.floor(((now - began) * perSecond) / 1000) + 1);
    for (; n < due; n++) {
      const at = began + (n * 1000) / perSecond;
      late = Math.max(late, now - at);
      calls.push(
        call(n).then(
          () => latencies.push(performance.now() - at),
          () => failed++,
        ),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(calls);
  return { count: total, latencies, failed, late };
}
