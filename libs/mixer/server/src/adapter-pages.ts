import { parseAddress } from "@xebec/core-config";
import type { Component } from "@xebec/core-lifecycle";
import type { AdapterInfo, Page } from "@xebec/mixer-sdk";
import { createHttpServer } from "@xebec/platform-http";

/** The pages that adapters serve on the ports that they declare. */
export class AdapterPages {
  /** Of `prometheus/metrics`, by path. */
  readonly #pages = new Map<string, Map<string, Set<Page>>>();
  readonly #ports = new Map<string, { readonly description: string; readonly port: number }>();

  /** Makes room for an adapter's ports. */
  declare({ name, ports = {} }: Pick<AdapterInfo, "name" | "ports">): void {
    for (const [port, spec] of Object.entries(ports)) this.#ports.set(`${name}/${port}`, spec);
  }

  /** Takes all pages of an adapter away, before it is made anew. */
  clear(adapter: string): void {
    for (const [port, paths] of this.#pages) if (port.startsWith(`${adapter}/`)) paths.clear();
  }

  /** @param port of `declare`, `prometheus/metrics`. @returns takes the page away. @throws TypeError for another port, or a path without slash */
  add(port: string, path: string, page: Page): () => void {
    if (!this.#ports.has(port)) throw new TypeError(`the adapter does not declare the port ${port}`);
    if (!path.startsWith("/")) throw new TypeError(`${path} does not begin with a slash`);
    const paths = this.#pages.get(port) ?? new Map<string, Set<Page>>();
    this.#pages.set(port, paths);
    const pages = paths.get(path) ?? new Set<Page>();
    paths.set(path, pages);
    pages.add(page);
    return () => void pages.delete(page);
  }

  /** The page at a path: all pages of it, one after the other. */
  read(port: string, path: string): Page | undefined {
    const pages = [...(this.#pages.get(port)?.get(path) ?? [])];
    const [first] = pages;
    return first && { contentType: first.contentType, text: () => pages.map((each) => each.text()).join("") };
  }

  /**
   * One server for each port.
   * @param addresses by port, HOST:PORT; empty: it stays closed; of others what the adapter declares
   * @param more is put behind a page
   */
  servers(
    addresses: Readonly<Record<string, string>>,
    more: (port: string, path: string, text: string) => string = () => "",
  ): Component[] {
    return [...this.#ports].flatMap(([name, { port }]) => {
      const address = addresses[name] ?? `:${port}`;
      if (address === "") return [];
      return createHttpServer({
        name: `pages of ${name}`,
        address: parseAddress(address),
        limits: { maxBodyBytes: 1 << 10, maxConnections: 200 },
        routes: (app) => {
          app.get("/*", (request, reply) => {
            const path = request.url.split("?", 1)[0] as string;
            const page = this.read(name, path);
            if (!page) return reply.code(404).send("not found\n");
            const text = page.text();
            return reply.type(page.contentType).send(text + more(name, path, text));
          });
        },
      });
    });
  }
}
