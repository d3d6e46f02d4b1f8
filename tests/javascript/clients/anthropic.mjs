// Anthropic's SDK: messages with a loop by hand, and its own runner of tools.
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";

const SCHEMA = { type: "object" };

function connected({ root, fetch }) {
  return new Anthropic({ baseURL: root, apiKey: "k", maxRetries: 0, fetch });
}

function spoken(message) {
  return message.content.filter((b) => b.type === "text").map((b) => b.text).join("");
}

export function anthropic_messages({ tools, stream, ...where }) {
  const client = connected(where);
  const messages = [];
  const described = tools.map(({ name }) => ({ name, description: name, input_schema: SCHEMA }));
  const ask = async () => {
    const asked = { model: "m", max_tokens: 99, messages, tools: described };
    const got = stream
      ? await client.messages.stream(asked).finalMessage()
      : await client.messages.create(asked);
    messages.push({ role: got.role, content: got.content });
    return got;
  };
  return async (text) => {
    messages.push({ role: "user", content: text });
    for (;;) {
      const got = await ask();
      const results = [];
      for (const block of got.content.filter((b) => b.type === "tool_use")) {
        const tool = tools.find(({ name }) => name === block.name);
        const content = tool ? await tool.run(block.input) : "no such tool";
        results.push({ type: "tool_result", tool_use_id: block.id, content });
      }
      if (!results.length) return spoken(got);
      messages.push({ role: "user", content: results });
    }
  };
}

function running({ tools, stream, ...where }, settings) {
  const client = connected(where);
  const messages = [];
  const runnable = tools.map(({ name, run }) =>
    betaTool({ name, description: name, inputSchema: SCHEMA, run }));
  return async (text) => {
    messages.push({ role: "user", content: text });
    const runner = client.beta.messages.toolRunner({
      model: "m", max_tokens: 99, messages, tools: runnable, stream, ...settings,
    });
    const last = await runner.runUntilDone();
    messages.splice(0, messages.length, ...runner.params.messages);
    return spoken(last);
  };
}

// By default the server keeps the conversation, and only what is new is sent.
export const anthropic_runner = (job) => running(job, {});

export const anthropic_runner_unthreaded = (job) => running(job, { thread: false });
