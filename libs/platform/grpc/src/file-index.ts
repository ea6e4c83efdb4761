import type { DescEnum, DescExtension, DescFile, DescMessage, DescService } from "@bufbuild/protobuf";

/** Files of descriptors, with all that they import, by their names and by what they define. */
export class FileIndex {
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();

  constructor(roots: readonly DescFile[]) {
    for (const each of roots) this.#add(each);
  }

  /** @param name `grpc/health/v1/health.proto` */
  byName(name: string): DescFile | undefined {
    return this.#files.get(name);
  }

  /** @param symbol of a message, an enum, a service, a method, a field or an enum's value: `grpc.health.v1.Health.Check` */
  bySymbol(symbol: string): DescFile | undefined {
    return this.#symbols.get(symbol) ?? this.#symbols.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf("."))));
  }

  /** A file, and all that it imports, each once. */
  withImports(file: DescFile): DescFile[] {
    const found = new Set<DescFile>();
    const add = (each: DescFile): void => {
      if (found.has(each)) return;
      found.add(each);
      each.dependencies.forEach(add);
    };
    add(file);
    return [...found];
  }

  #add(file: DescFile): void {
    if (this.#files.has(file.proto.name)) return;
    this.#files.set(file.proto.name, file);
    for (const each of definitions(file)) this.#symbols.set(each.typeName, file);
    for (const each of file.dependencies) this.#add(each);
  }
}

function definitions(file: DescFile): (DescMessage | DescEnum | DescService | DescExtension)[] {
  const nested = (each: DescMessage): (DescMessage | DescEnum)[] => [
    ...[each, ...each.nestedEnums],
    ...each.nestedMessages.flatMap(nested),
  ];
  return [...file.messages.flatMap(nested), ...file.enums, ...file.services, ...file.extensions];
}
