using System.Text.Json.Serialization;

namespace Kimg.Engine.Registry.Credentials;

[JsonSerializable(typeof(HelperAnswer))]
internal sealed partial class CredentialJson : JsonSerializerContext;
