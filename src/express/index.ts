export type { Node, OperationName, WindowAggregate } from "./node.ts";
