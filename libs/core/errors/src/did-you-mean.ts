/**
 * The name that somebody may have meant who wrote another one: equal but for case and marks between words, or one letter away (more,
 * less, other, or swapped with its neighbour); in longer names two.
 * @returns undefined when none is near enough; a guess that is wrong is worse than none
 */
export function nearestName(given: string, known: Iterable<string>): string | undefined {
  const wanted = plain(given);
  let best: string | undefined;
  let least = wanted.length < 3 ? 1 : wanted.length < 8 ? 2 : 3;
  for (const name of known) {
    const each = plain(name);
    if (Math.abs(each.length - wanted.length) >= least && each.length + wanted.length > 0 && each !== wanted) continue;
    const away = distance(each, wanted, least);
    if (away >= least) continue;
    best = name;
    least = away;
    if (away === 0) break;
  }
  return best;
}

/** `; did you mean NAME?`, or nothing. */
export function didYouMean(given: string, known: Iterable<string>): string {
  const name = nearestName(given, known);
  return name === undefined ? "" : `; did you mean ${name}?`;
}

function plain(name: string): string {
  return name.slice(0, 80).toLowerCase().replace(/[-_ ]/g, "");
}

/** Steps from one word to the other, where letters that changed places are one step; counts no further than `most`. */
function distance(a: string, b: string, most: number): number {
  let [beforeLast, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let steps = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        steps = Math.min(steps, (beforeLast[j - 2] as number) + 1);
      row.push(steps);
    }
    if (Math.min(...row) >= most) return most;
    [beforeLast, last] = [last, row];
  }
  return last[b.length] as number;
}
