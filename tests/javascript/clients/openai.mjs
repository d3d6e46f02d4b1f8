// openai-node: its runner of tools over chat completions, and Responses as its README shows them.
import OpenAI from "openai";

const PARAMETERS = { type: "object" };

export function connected({ root, fetch }) {
  return new OpenAI({ baseURL: `${root}/v1`, apiKey: "k", maxRetries: 0, fetch });
}

export function openai_chat({ tools, stream, ...where }) {
  const client = connected(where);
  const history = [];
  const functions = tools.map(({ name, run }) => ({
    type: "function",
    function: { name, description: name, parameters: PARAMETERS, function: run },
  }));
  return async (text) => {
    history.push({ role: "user", content: text });
    const runner = client.chat.completions.runTools({
      model: "m", messages: [...history], tools: functions, stream,
    });
    const said = await runner.finalContent();
    history.splice(0, history.length, ...runner.messages);
    return said ?? "";
  };
}

export function openai_responses({ tools, stream, ...where }) {
  const client = connected(where);
  const input = [];
  const functions = tools.map(({ name }) => ({
    type: "function", name, description: name, parameters: PARAMETERS, strict: false,
  }));
  const ask = async () => {
    const asked = { model: "m", input, tools: functions };
    const got = stream
      ? await client.responses.stream(asked).finalResponse()
      : await client.responses.create(asked);
    input.push(...got.output);
    return got;
  };
  return async (text) => {
    input.push({ role: "user", content: text });
    for (;;) {
      const got = await ask();
      const calls = got.output.filter((item) => item.type === "function_call");
      if (!calls.length) return got.output_text;
      for (const call of calls) {
        const tool = tools.find(({ name }) => name === call.name);
        const output = tool ? await tool.run(call.arguments) : "no such tool";
        input.push({ type: "function_call_output", call_id: call.call_id, output });
      }
    }
  };
}
