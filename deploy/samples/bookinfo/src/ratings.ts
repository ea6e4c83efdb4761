import { connect } from "node:net";
import type { App } from "./serve.ts";

const TIMEOUT_MS = 2_000;
/** Kubernetes says the address of a service, too; on a laptop its name is known to HTTP clients alone. */
const DB_HOST = process.env.RATINGS_DB_SERVICE_HOST ?? "ratings-db";

/** Stars of each reviewer; version v2 asks the database, by a connection for each request. */
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
  return new Promise((resolve, reject) => {
    const socket = connect({ host: DB_HOST, port: 27_017 }, () => socket.write(`GET ${id}\n`));
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
