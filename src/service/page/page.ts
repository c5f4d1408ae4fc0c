// Asks the service for flags and for a user's variants, and hands them to the parts of the page.

import type { Explanation } from "../../engine/index.ts";
import type { Overview } from "../overview.ts";
import { byId, countOf, setText } from "./element.ts";
import { FlagList, sorted } from "./flag-list.ts";
import { readFragment, writeFragment } from "./fragment.ts";
import { Results } from "./results.ts";
import { StatusBar } from "./status-bar.ts";
import { UserEditor } from "./user-editor.ts";

const POLL_MILLIS = 3000;
const DEBOUNCE_MILLIS = 150;
const KEY_ITEM = "halyard.deploymentKey";

/** An answer that is an error. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

let key = sessionStorage.getItem(KEY_ITEM) ?? "";
let revision = "";
/** Of flags and cohorts: with another one variants may be others. */
let live = "";
/** Of the flags that the last variants are of. */
let answeredDigest: string | undefined;
let pollTimer: ReturnType<typeof setTimeout> | undefined;
let evaluateTimer: ReturnType<typeof setTimeout> | undefined;
let evaluating = new AbortController();
let needsKey = false;
/** Whether a link was followed whose flag has not been shown so far. */
let isArriving = false;

const statusBar = new StatusBar();
const results = new Results((flagKey) => {
  flagList.mark(flagKey);
  share();
});
const flagList = new FlagList(
  (flagKey) => results.reveal(flagKey),
  (isShown) => results.filter(isShown),
);
const editor = new UserEditor(() => {
  share();
  clearTimeout(evaluateTimer);
  evaluateTimer = setTimeout(() => evaluate(false), DEBOUNCE_MILLIS);
});
const dialog = byId<HTMLDialogElement>("key-dialog");

async function ask<Answer>(path: string, request: RequestInit = {}): Promise<Answer> {
  const headers = { ...request.headers, ...(key && { Authorization: `Api-Key ${key}` }) };
  const response = await fetch(path, { ...request, headers, cache: "no-store" });
  if (response.ok) return (await response.json()) as Answer;
  const text = await response.text();
  let message = text;
  try {
    message = JSON.parse(text).error.message;
  } catch {
    // Not all errors are JSON.
  }
  throw new Refusal(response.status, message.trim() || `HTTP ${response.status}`);
}

/** Asks for flags now, and then again and again while the page is seen. */
async function poll(): Promise<void> {
  clearTimeout(pollTimer);
  try {
    show(await ask<Overview>(`page/flags?${new URLSearchParams({ known: revision })}`));
  } catch (error) {
    if (isAboutKey(error)) return askForKey(error);
    statusBar.fail(reasonOf(error));
  }
  clearTimeout(pollTimer);
  if (document.visibilityState === "visible") pollTimer = setTimeout(poll, POLL_MILLIS);
}

let flags: NonNullable<Overview["flags"]> = [];

function show(overview: Overview): void {
  needsKey = false;
  dialog.close();
  byId("change-key").hidden = key === "";
  revision = overview.revision;
  if (overview.flags) flags = sorted(overview.flags);
  statusBar.show(overview, flags.filter(({ isLive }) => isLive).length);
  const now = JSON.stringify([revision, overview.cohorts, overview.warnings, overview.status]);
  if (now === live) return;
  const isEdit = live !== "";
  live = now;
  results.showFlags(flags, overview.warnings);
  flagList.show(flags);
  flagList.mark(results.openKey);
  if (overview.status !== "not-ready") void evaluate(isEdit);
}

/** @param isEdit - whether flags or cohorts have changed, and not the user */
async function evaluate(isEdit: boolean): Promise<void> {
  evaluating.abort();
  evaluating = new AbortController();
  const { signal } = evaluating;
  const body = editor.json;
  const headers = { "Content-Type": "application/json" };
  try {
    const request = { method: "POST", body, headers, signal };
    const answer = await ask<{ explanations: Explanation[] }>("page/evaluate", request);
    if (signal.aborted) return;
    const changed = results.showAnswers(answer.explanations);
    if (body === editor.json) editor.accept();
    if (isArriving) results.scrollToOpen();
    isArriving = false;
    // What was typed may have been evaluated with an edit before a poll knew of it.
    const digest = answer.explanations[0]?.digest;
    const isOther = answeredDigest !== undefined && digest !== answeredDigest;
    answeredDigest = digest;
    if (isOther || (isEdit && changed.length > 0)) tell(changed);
  } catch (error) {
    if (signal.aborted) return;
    if (isAboutKey(error)) return askForKey(error);
    editor.refuse(reasonOf(error));
    // Another attempt, once the service answers a poll.
    if (!(error instanceof Refusal) || error.status >= 500) live = "";
  }
}

function tell(changed: readonly string[]): void {
  results.highlight(changed);
  const time = new Date().toLocaleTimeString();
  const effect =
    changed.length === 0 ? "same variants" : `${countOf(changed.length, "flag")} changed`;
  setText(byId("news"), `Edit went live ${time}: ${effect}`);
}

function share(): void {
  writeFragment({ user: editor.json, flagKey: results.openKey });
}

function isAboutKey(error: unknown): error is Refusal {
  return error instanceof Refusal && (error.status === 401 || error.status === 403);
}

function reasonOf(error: unknown): string {
  return error instanceof Refusal ? error.message : "The service does not answer.";
}

function askForKey({ status, message }: Refusal): void {
  clearTimeout(pollTimer);
  needsKey = true;
  const unknown = key === "" ? "" : "The service does not know this key.";
  setText(byId("key-fault"), status === 401 ? unknown : message);
  if (!dialog.open) dialog.showModal();
  byId<HTMLInputElement>("key").select();
}

function startOver(): void {
  sessionStorage.setItem(KEY_ITEM, key);
  revision = "";
  live = "";
  answeredDigest = undefined;
  void poll();
}

function openShared(): void {
  const { user, flagKey } = readFragment();
  editor.show(user);
  results.open(flagKey);
  isArriving = flagKey !== undefined;
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId<HTMLInputElement>("key").value.trim();
  startOver();
});
byId("change-key").addEventListener("click", () => {
  key = "";
  byId<HTMLInputElement>("key").value = "";
  startOver();
});
// Without a key there is nothing else to do.
dialog.addEventListener("close", () => needsKey && dialog.showModal());
byId("skip").addEventListener("click", (event) => {
  // The fragment is that of a link.
  event.preventDefault();
  byId("user-json").focus();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && !dialog.open) void poll();
});
document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof Element && event.target.matches("input, textarea");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId<HTMLInputElement>("search").select();
});
window.addEventListener("hashchange", openShared);

openShared();
void poll();
