export { findProgram, type ProgramName, type ProgramPlaces } from "./find-program.ts";
export { type PortHolder, portHolder, portOwner } from "./listeners.ts";
export { INSTANCE_MARK, MARKS, POD_MARK, RUN_MARK, UNIT_MARK } from "./marks.ts";
export { otherProcessEnd } from "./process-end.ts";
export { isRunning, type ProcessId, processOf, signalGroup, signalProcess } from "./process-id.ts";
export { groupMembers, type MarkedProcess, markedProcesses, processesMarked } from "./process-marks.ts";
