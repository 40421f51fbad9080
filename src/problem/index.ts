export { CHAMPION, chainLines, type JudgeOptions, judge, LEAD, refusalText } from "./judge.ts";
