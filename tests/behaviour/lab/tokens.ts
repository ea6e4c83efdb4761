// Tokens (JWT) and the servers that have the keys to verify them.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Algorithm = "RS256" | "ES256";

/** A key that signs tokens. */
export class SigningKey {
  readonly #key: KeyObject;
  readonly #algorithm: Algorithm;
  readonly #id: string;
  /** The public part, as key sets have it. */
  readonly jwk: object;

  constructor(algorithm: Algorithm, id: string) {
    const pair =
      algorithm === "RS256"
        ? generateKeyPairSync("rsa", { modulusLength: 2_048 })
        : generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#key = pair.privateKey;
    this.#algorithm = algorithm;
    this.#id = id;
    this.jwk = { ...pair.publicKey.export({ format: "jwk" }), kid: id, alg: algorithm, use: "sig" };
  }

  /** A token that is valid for an hour. @param claims replace those that it has of itself */
  token(issuer: string, claims: object = {}): string {
    const now = Math.floor(Date.now() / 1_000);
    const head = encoded({ alg: this.#algorithm, typ: "JWT", kid: this.#id });
    const text = `${head}.${encoded({ iss: issuer, sub: "alice", iat: now, exp: now + 3_600, ...claims })}`;
    const signature = sign("sha256", Buffer.from(text), { key: this.#key, dsaEncoding: "ieee-p1363" });
    return `${text}.${signature.toString("base64url")}`;
  }
}

/** A key set of some keys. */
export const keySet = (...keys: readonly SigningKey[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** A server that issuers have their keys at. */
export interface KeyServer {
  readonly url: string;
  /** What it answers, by path: a text, `redirect URL`, `delay MS TEXT`; undefined for 500. */
  readonly pages: Map<string, string | undefined>;
  /** How often it was asked for a path. */
  asked(path: string): number;
  close(): Promise<void>;
}

/** Starts a server on this machine. @param socket the Unix socket that it listens at in place of a port, for upstreams of a lab (`relay`) */
export async function openKeyServer(socket?: string): Promise<KeyServer> {
  const pages = new Map<string, string | undefined>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const page = pages.get(path);
    if (page === undefined) response.writeHead(500).end("no");
    else if (page.startsWith("redirect ")) response.writeHead(302, { location: page.slice(9) }).end();
    else if (page.startsWith("delay ")) {
      const [, ms, ...text] = page.split(" ");
      setTimeout(() => response.end(text.join(" ")), Number(ms));
    } else response.end(page);
  });
  await new Promise<void>((resolve) => {
    if (socket) server.listen(socket, resolve);
    else server.listen(0, "127.0.0.1", resolve);
  });
  return {
    ...{ url: socket ? "" : `http://127.0.0.1:${(server.address() as AddressInfo).port}`, pages },
    asked: (path) => asked.filter((each) => each === path).length,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
