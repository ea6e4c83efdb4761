import type { App } from "./serve.ts";

/** Stars of each reviewer. */
export function ratings(): App {
  return (_request, path) => {
    const id = /^\/ratings\/(\d+)$/.exec(path)?.[1];
    if (id === undefined) return { status: 404, body: { error: "ask for /ratings/NUMBER" } };
    return { body: { id: Number(id), ratings: { Reviewer1: 5, Reviewer2: 4 } } };
  };
}
