import { connect } from "node:net";
import type { App } from "./serve.ts";

const TIMEOUT_MS = 2_000;

/** Stars of each reviewer; version v2 asks the database at $RATINGS_DB (HOST:PORT), by a connection for each request. */
export function ratings(version: string): App {
  const stars = version === "v2" ? askDatabase : async () => ({ Reviewer1: 5, Reviewer2: 4 });
  return async (_request, path) => {
    const id = /^\/ratings\/(\d+)$/.exec(path)?.[1];
    if (id === undefined) return { status: 404, body: { error: "ask for /ratings/NUMBER" } };
    try {
      return { body: { id: Number(id), ratings: await stars(id) } };
    } catch (error) {
      return { status: 503, body: { error: `the ratings database does not answer: ${(error as Error).message}` } };
    }
  };
}

function askDatabase(id: string): Promise<unknown> {
  const [host = "", port = "27017"] = (process.env.RATINGS_DB ?? "ratings-db:27017").split(":");
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port) }, () => socket.write(`GET ${id}\n`));
    let text = "";
    socket.setEncoding("utf8");
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("it is too slow")));
    socket.on("data", (part: string) => {
      text += part;
      if (text.endsWith("\n")) socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      try {
        resolve(JSON.parse(text));
      } catch {
        reject(new Error(text.trim() || "the connection was closed"));
      }
    });
  });
}
