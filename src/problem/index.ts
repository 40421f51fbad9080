export { CHAMPION, chainLines, type JudgeOptions, judge, refusalText } from "./judge.ts";
