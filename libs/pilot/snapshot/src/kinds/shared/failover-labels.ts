/** What is known of a place without labels. */
const TOPOLOGY = /^(topology\.(istio|kubernetes)\.io\/|kubernetes\.io\/hostname$)/;

/** The labels of clients that a `failoverPriority` compares: not those with a value of their own, nor what is known of a place. */
export function comparedLabels(failoverPriority: readonly string[] = []): string[] {
  return failoverPriority.filter((label) => !label.includes("=") && !TOPOLOGY.test(label));
}
