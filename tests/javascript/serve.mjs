// Runs conversations for tests: a job is a line of JSON on stdin, what came of it a line on stdout.
import { createInterface } from "node:readline";

import * as agents from "./clients/agents.mjs";
import * as vercel from "./clients/ai_sdk.mjs";
import * as anthropic from "./clients/anthropic.mjs";
import * as openai from "./clients/openai.mjs";

const CLIENTS = { ...openai, ...anthropic, ...vercel, ...agents };
const SECONDS = 20;

globalThis.AI_SDK_LOG_WARNINGS = false;
console.log = console.error; // stdout is for answers

// Return a `fetch` that keeps what is sent and, byte for byte, what comes back.
function recording(sent, bodies) {
  return async (url, init) => {
    sent.push(init.body);
    const response = await fetch(url, init);
    const bytes = response.clone().arrayBuffer();
    bodies.push(bytes.then((got) => Buffer.from(got).toString("base64"), () => ""));
    return response;
  };
}

// Return the tools of a job as `{name, run}`; each notes that it ran, whatever it was given.
function noting(tools, ran) {
  return Object.entries(tools).map(([name, result]) => ({
    name,
    run: async (input) => {
      ran.push([name, input]);
      return `${result} ${typeof input === "string" ? input : JSON.stringify(input)}`;
    },
  }));
}

// Say every line of the user in turn; the client keeps the conversation as its documentation says.
async function done({ client, root, stream, says, tools }) {
  const [ran, texts, sent, bodies] = [[], [], [], []];
  const abort = AbortSignal.timeout(SECONDS * 1000);
  const late = new Promise((_, reject) => {
    abort.addEventListener("abort", () => reject(new Error(`nothing for ${SECONDS} s`)));
  });
  let error = null;
  try {
    const say = CLIENTS[client]({
      root, stream, tools: noting(tools, ran), fetch: recording(sent, bodies),
    });
    for (const text of says) texts.push(await Promise.race([say(text), late]));
  } catch (failed) {
    error = String(failed?.message ?? failed);
  }
  const whole = error === null ? await Promise.all(bodies) : [];
  return { ran, texts, sent, bodies: whole, error };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await done(JSON.parse(line)))}\n`);
}
