/** Says whether a subject matches a pattern of NATS: `*` is one word, `>` the rest. */
export function subjectMatches(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  const [wanted, given] = [pattern.split("."), subject.split(".")];
  for (const [i, word] of wanted.entries()) {
    if (word === ">") return given.length > i;
    if (i >= given.length || (word !== "*" && word !== given[i])) return false;
  }
  return wanted.length === given.length;
}
