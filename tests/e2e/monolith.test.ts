import { after, before, describe } from "node:test";
import { lessons } from "./lessons.ts";
import { Mesh } from "./mesh.ts";

describe("Bookinfo on one process, with TLS on the bus", () => {
  let mesh: Mesh;
  before(async () => {
    mesh = await Mesh.start({ monolith: true, busTls: true });
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });
  lessons(() => mesh);
});
