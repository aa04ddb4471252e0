using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CrnMlNet.Cli;

/// <summary>How <c>--json</c> writes.</summary>
internal static class ScriptJson
{
    /// <summary>For scripts and people: indented, names as in JavaScript, letters as they are.</summary>
    public static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The same on one line, for a command whose last line is to be read.</summary>
    public static readonly JsonSerializerOptions OneLine = new(Options) { WriteIndented = false };
}
