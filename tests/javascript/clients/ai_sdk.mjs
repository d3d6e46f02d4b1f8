// The Vercel AI SDK with each of its providers, in the defaults of its documentation.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

async function streamed(asked) {
  const result = streamText({ ...asked, onError: () => {} });
  let failed = null;
  for await (const part of result.fullStream) {
    if (part.type === "error") failed ??= part.error;
  }
  if (failed) throw failed;
  return { text: await result.text, response: await result.response };
}

function talking(model, { tools, stream }) {
  const messages = [];
  const asked = {
    model,
    maxRetries: 0,
    stopWhen: stepCountIs(5),
    tools: Object.fromEntries(
      tools.map(({ name, run }) => [
        name,
        tool({ description: name, inputSchema: jsonSchema({ type: "object" }), execute: run }),
      ]),
    ),
  };
  return async (text) => {
    messages.push({ role: "user", content: text });
    const given = { ...asked, messages: [...messages] };
    const result = await (stream ? streamed(given) : generateText(given));
    messages.push(...result.response.messages);
    return result.text;
  };
}

const at = ({ root, fetch }) => ({ baseURL: `${root}/v1`, apiKey: "k", fetch });

export const ai_compatible = (job) =>
  talking(createOpenAICompatible({ name: "compatible", ...at(job) })("m"), job);

export const ai_openai = (job) => talking(createOpenAI(at(job))("m"), job);

export const ai_openai_chat = (job) => talking(createOpenAI(at(job)).chat("m"), job);

export const ai_anthropic = (job) => talking(createAnthropic(at(job))("m"), job);
