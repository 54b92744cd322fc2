import type { GraphQLParams, GraphQLResponseBody } from '../request.ts';
import { operation } from './chat-request.ts';

const MODELS = 'query OpenAiModels { aiModels(mine: true) { id provider } }';
const MODEL = 'query OpenAiModel($id: ID!) { aiModel(id: $id, mine: true) { id provider } }';

interface Model {
  readonly id: string;
  readonly provider: string;
}

/** Asks for all models that the caller may ask. */
export function modelsParams(): GraphQLParams {
  return { ...operation(MODELS), variables: {} };
}

/** Asks for one model. */
export function modelParams(id: string): GraphQLParams {
  return { ...operation(MODEL), variables: { id } };
}

/** The models in OpenAI's form; null where the graph gave none. Source: OpenAI API reference, "Models". */
export function modelList(data: GraphQLResponseBody['data']): object | null {
  const models = data?.['aiModels'] as readonly Model[] | null | undefined;
  return models == null ? null : { object: 'list', data: models.map(modelOf) };
}

/** One model; null where there is none. */
export function oneModel(data: GraphQLResponseBody['data']): object | null {
  const model = data?.['aiModel'] as Model | null | undefined;
  return model == null ? null : modelOf(model);
}

/** When a model was made is not known. */
function modelOf({ id, provider }: Model) {
  return { id, object: 'model', created: 0, owned_by: provider };
}
