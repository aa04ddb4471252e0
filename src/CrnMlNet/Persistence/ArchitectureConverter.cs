using System.Text.Json;
using System.Text.Json.Serialization;
using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Persistence;

/// <summary>An architecture as JSON: its properties, and its kind. Models of the time when there was only cascaded refinement have none.</summary>
internal sealed class ArchitectureConverter : JsonConverter<SynthesisArchitecture>
{
    private const string Kind = "kind";

    public override SynthesisArchitecture Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var kind = document.RootElement.TryGetProperty(Kind, out var name) ? name.Deserialize<NetworkKind>(options) : NetworkKind.CascadedRefinement;
        var type = SynthesisArchitecture.Of(kind, channels: 0, height: 0, width: 0).GetType();
        return (SynthesisArchitecture?)document.RootElement.Deserialize(type, options) ?? throw new JsonException("The network is missing.");
    }

    public override void Write(Utf8JsonWriter writer, SynthesisArchitecture value, JsonSerializerOptions options)
        => JsonSerializer.Serialize(writer, value, value.GetType(), options);
}
