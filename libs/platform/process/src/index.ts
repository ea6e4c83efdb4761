export { findProgram, type ProgramName, type ProgramPlaces } from "./find-program.ts";
export { POD_MARK, RUN_MARK } from "./marks.ts";
export { isRunning, type ProcessId, processOf, signalGroup, signalProcess } from "./process-id.ts";
export { groupMembers, processesMarked } from "./process-marks.ts";
