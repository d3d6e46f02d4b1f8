// OpenAI's agents for JavaScript, over chat completions and over Responses.
import {
  Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, setTracingDisabled, tool,
} from "@openai/agents";

import { connected } from "./openai.mjs";

setTracingDisabled(true); // it would be sent to OpenAI

const PARAMETERS = { type: "object", properties: {}, required: [], additionalProperties: true };

function talking(Model, { tools, stream, ...where }) {
  const agent = new Agent({
    name: "a",
    model: new Model(connected(where), "m"),
    tools: tools.map(({ name, run }) => tool({
      name, description: name, parameters: PARAMETERS, strict: false, execute: run,
      errorFunction: null,
    })),
  });
  const runner = new Runner();
  let history = [];
  return async (text) => {
    const said = [...history, { role: "user", content: text }];
    const result = await runner.run(agent, said, { stream });
    if (stream) await result.completed;
    history = result.history;
    return result.finalOutput ?? "";
  };
}

export const agents_chat = (job) => talking(OpenAIChatCompletionsModel, job);

export const agents_responses = (job) => talking(OpenAIResponsesModel, job);
