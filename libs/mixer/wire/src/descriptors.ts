import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

const MAX_BYTES = 4 << 20;

/** The files of a base64 FileDescriptorSet, as objects of kind `template` and `adapter` have it. */
export class DescriptorFiles {
  readonly files: readonly FileDescriptorProto[];
  /** By full name with a dot before it, as fields refer to them. */
  readonly messages = new Map<string, DescriptorProto>();
  readonly enums = new Map<string, EnumDescriptorProto>();

  /** @throws TypeError when the text is no such set */
  constructor(base64: string) {
    const bytes = Buffer.from(base64, "base64");
    if (bytes.length === 0 || bytes.length > MAX_BYTES)
      throw new TypeError("is not a FileDescriptorSet in base64 of 1 byte to 4 MiB");
    try {
      this.files = fromBinary(FileDescriptorSetSchema, bytes).file;
    } catch (error) {
      throw new TypeError(`is not a FileDescriptorSet in base64: ${(error as Error).message}`);
    }
    for (const file of this.files) {
      const scope = file.package === "" ? "" : `.${file.package}`;
      for (const each of file.messageType) this.#index(each, scope);
      for (const each of file.enumType) this.enums.set(`${scope}.${each.name}`, each);
    }
  }

  #index(message: DescriptorProto, scope: string): void {
    const name = `${scope}.${message.name}`;
    this.messages.set(name, message);
    for (const each of message.nestedType) this.#index(each, name);
    for (const each of message.enumType) this.enums.set(`${name}.${each.name}`, each);
  }
}

/** An option of a file that this program does not know by name. @returns its reader, at the value */
export function fileOption(file: FileDescriptorProto, number: number): BinaryReader | undefined {
  const found = file.options?.$unknown?.filter(({ no }) => no === number).at(-1);
  return found && new BinaryReader(found.data);
}
