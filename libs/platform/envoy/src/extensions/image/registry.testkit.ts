// A registry of images in memory (OCI distribution API), for tests.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

export interface TestLayer {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface TestRegistryOptions {
  /** With it the registry speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** How clients have to sign in; absent: everybody may read. */
  readonly auth?: { readonly way: "basic" | "token"; readonly user: string; readonly password: string };
  /** Layers are at another address: the registry redirects to it. */
  readonly blobsElsewhere?: boolean;
}

export const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
export const WASM_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const TOKEN = "a-token";

const sha256 = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A compressed tar archive of files. */
export function tarOf(files: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, bytes]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write("0000644\0", 100);
    header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("0", 156);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]));
}

/** Starts a registry at 127.0.0.1. */
export async function startRegistry({ tls, auth, blobsElsewhere }: TestRegistryOptions = {}) {
  const content = new Map<string, { readonly type: string; readonly bytes: Buffer }>();
  const asked: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { url = "", headers } = request;
    asked.push(url);
    const basic = auth && `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString("base64")}`;
    if (url.startsWith("/token?")) {
      const allowed = headers.authorization === basic;
      response.writeHead(allowed ? 200 : 401).end(JSON.stringify(allowed ? { token: TOKEN } : {}));
      return;
    }
    const wanted = auth?.way === "token" ? `Bearer ${TOKEN}` : basic;
    if (url.startsWith("/v2/") && wanted !== undefined && headers.authorization !== wanted) {
      const challenge = auth?.way === "token" ? `Bearer realm="${origin}/token",service="test"` : `Basic realm="test"`;
      response.writeHead(401, { "www-authenticate": challenge }).end("{}");
      return;
    }
    if (blobsElsewhere && url.startsWith("/v2/") && url.includes("/blobs/")) {
      // The store does not know the registry's users.
      response.writeHead(307, { location: `http://127.0.0.1:${storePort}${url.replace("/v2/", "/store/")}` }).end();
      return;
    }
    const found = content.get(url.replace("/store/", "/v2/"));
    if (url.startsWith("/store/") && headers.authorization !== undefined) response.writeHead(400).end();
    else if (found) response.writeHead(200, { "content-type": found.type }).end(found.bytes);
    else response.writeHead(404).end();
  };
  const server = tls ? createServer(tls, answer) : createPlainServer(answer);
  const store = createPlainServer(answer);
  await once(server.listen(0, "127.0.0.1"), "listening");
  await once(store.listen(0, "127.0.0.1"), "listening");
  const storePort = (store.address() as AddressInfo).port;
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const origin = `${tls ? "https" : "http"}://${host}`;
  const put = (repository: string, tag: string, type: string, value: object): string => {
    const bytes = Buffer.from(JSON.stringify(value));
    for (const version of [tag, sha256(bytes)]) content.set(`/v2/${repository}/manifests/${version}`, { type, bytes });
    return sha256(bytes);
  };
  return {
    host,
    /** Paths that were asked for, in order. */
    asked,
    /** Puts an image. @returns its digest */
    push(repository: string, tag: string, type: string, layers: readonly TestLayer[]): string {
      for (const { bytes } of layers)
        content.set(`/v2/${repository}/blobs/${sha256(bytes)}`, { type: "application/octet-stream", bytes });
      return put(repository, tag, type, {
        ...{ schemaVersion: 2, config: {} },
        ...(type === DOCKER_MANIFEST ? { mediaType: type } : {}),
        layers: layers.map(({ mediaType, bytes }) => ({ mediaType, digest: sha256(bytes), size: bytes.length })),
      });
    },
    /** Puts an index over manifests. @returns its digest */
    index(repository: string, tag: string, digests: readonly string[]): string {
      const manifests = digests.map((digest) => ({ digest, platform: { os: "linux", architecture: "arm64" } }));
      return put(repository, tag, OCI_INDEX, { schemaVersion: 2, manifests });
    },
    /** Puts other bytes where a layer is. */
    spoil(repository: string, layer: Buffer, bytes: Buffer): void {
      content.set(`/v2/${repository}/blobs/${sha256(layer)}`, { type: "x", bytes });
    },
    close(): void {
      for (const each of [server, store]) {
        each.closeAllConnections();
        each.close();
      }
    },
  };
}
