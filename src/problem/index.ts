export { CHAMPION, chainLines, type JudgeOptions, judge } from "./judge.ts";
