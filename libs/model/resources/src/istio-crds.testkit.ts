import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A type of TypeScript, as far as the types of CRDs go. */
export interface TypeNode {
  readonly fields?: Readonly<Record<string, TypeNode>>;
  /** Values of a map. */
  readonly values?: TypeNode;
  readonly items?: TypeNode;
  readonly literals?: readonly string[];
  /** `string`, `number`, `boolean`. */
  readonly name?: string;
}

/** A kind of today's Istio in one of its versions, with the type of its spec, made from Istio's own CRDs. */
export interface IstioKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly spec: TypeNode;
}

const ROOT = dirname(fileURLToPath(import.meta.resolve("@kubernetes-models/istio")));

/** All kinds of the package @kubernetes-models/istio. */
export function istioKinds(): IstioKind[] {
  const folders = readdirSync(ROOT).filter((each) => each.endsWith(".istio.io"));
  return folders.flatMap((group) =>
    readdirSync(join(ROOT, group))
      .filter((each) => /^v\d/.test(each))
      .flatMap((version) =>
        readdirSync(join(ROOT, group, version))
          .filter((file) => file.endsWith(".d.ts") && file !== "index.d.ts")
          .map((file) => {
            const kind = file.slice(0, -".d.ts".length);
            const type = interfaceOf(readFileSync(join(ROOT, group, version, file), "utf8"), `I${kind}`);
            return { group, version, kind, spec: type.fields?.spec ?? {} };
          }),
      ),
  );
}

/** The type of an interface in a file of declarations. */
function interfaceOf(text: string, name: string): TypeNode {
  const clean = text.replace(/\/\*[\s\S]*?\*\//g, "");
  const start = clean.indexOf(`export interface ${name} `);
  const body = clean.slice(clean.indexOf("{", start));
  return new Parser(body.match(/"(?:[^"\\]|\\.)*"|[A-Za-z_$][\w$]*|[{}<>[\]():;,?|&]/g) ?? []).type();
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get #token(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #next(): string {
    return this.#tokens[this.#at++] ?? "";
  }

  /** A type, with alternatives; intersections have the fields of both. */
  type(): TypeNode {
    const parts = [this.#single()];
    while (this.#token === "|" || this.#token === "&") {
      this.#next();
      parts.push(this.#single());
    }
    if (parts.length === 1) return parts[0] as TypeNode;
    const literals = parts.flatMap((each) => each.literals ?? []);
    if (literals.length > 0) return { literals };
    return { ...Object.assign({}, ...parts), fields: Object.assign({}, ...parts.map((each) => each.fields ?? {})) };
  }

  #single(): TypeNode {
    const token = this.#next();
    if (token === "{") return this.#object();
    if (token === "(") {
      const inner = this.type();
      this.#next();
      return inner;
    }
    if (token.startsWith('"')) return { literals: [JSON.parse(token) as string] };
    if (token !== "Array") return this.#token === "<" ? this.#skipArguments() : { name: token };
    this.#next();
    const items = this.type();
    this.#next();
    return { items };
  }

  /** `Exclude<...>` and the like say which fields exclude each other; the fields themselves are listed beside them. */
  #skipArguments(): TypeNode {
    let depth = 0;
    do {
      const token = this.#next();
      if (token === "<") depth++;
      else if (token === ">" || token === "") depth--;
    } while (depth > 0);
    return {};
  }

  #object(): TypeNode {
    const fields: Record<string, TypeNode> = {};
    let values: TypeNode | undefined;
    while (this.#token !== "}" && this.#token !== "") {
      const token = this.#next();
      if (token === "[") {
        // [key: string]: TYPE
        while (this.#next() !== "]");
        this.#next();
        values = this.type();
      } else {
        if (this.#token === "?") this.#next();
        this.#next();
        fields[token.startsWith('"') ? (JSON.parse(token) as string) : token] = this.type();
      }
      while (this.#token === ";" || this.#token === ",") this.#next();
    }
    this.#next();
    return values ? { values } : { fields };
  }
}
