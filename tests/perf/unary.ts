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
