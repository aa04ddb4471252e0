using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using CrnMlNet.Data;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using CrnMlNet.Torch.Weights;

namespace CrnMlNet.Persistence;

/// <summary>All of a model but its weights: what it reads and writes, its network, and how that was trained.</summary>
internal sealed record SynthesisModel(
    string InputColumnName, string OutputColumnName, LabelDecoder Decoder, SynthesisArchitecture Architecture, TrainingRecord Training)
{
    private const string FormatName = "CrnMlNet";

    /// <summary>That of a model which older CrnMlNets read.</summary>
    private const int FormatVersion = 1;

    /// <summary>That of one whose layout modulates its network.</summary>
    private const int ModulatedFormatVersion = 2;

    private const int LargestWeightsHeader = 1 << 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(allowIntegerValues: false), new ArchitectureConverter() },
        RespectNullableAnnotations = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <summary>Where relative paths of label files begin; null: in the process's current folder.</summary>
    public string? LabelFolder { get; init; }

    /// <summary>What the output columns hold.</summary>
    public OutputKind OutputKind { get; init; }

    /// <summary>Which of the network's images becomes the output column; null: each has one.</summary>
    public int? OutputImage { get; init; }

    /// <summary>The most bytes that the weights can have as a file: of 8 bytes each, behind a long header.</summary>
    public long LargestWeights => LargestWeightsHeader + sizeof(double) * Architecture.ParameterCount();

    /// <summary>The most bytes that Adam's two moments and its steps can have as a file.</summary>
    public long LargestOptimizer => 4 * LargestWeightsHeader + 2 * sizeof(float) * Architecture.ParameterCount();

    public string ToJson()
    {
        using var palette = JsonDocument.Parse(Decoder.Palette.ToJson());
        return JsonSerializer.Serialize(
            new Document
            {
                Format = FormatName,
                Version = Architecture is CrnArchitecture { Modulation: not Modulation.None } ? ModulatedFormatVersion : FormatVersion,
                InputColumn = InputColumnName,
                LabelFolder = LabelFolder,
                OutputColumn = OutputColumnName,
                OutputKind = OutputKind,
                OutputImage = OutputImage,
                Labels = new Labels { Encoding = Decoder.Encoding, Unknown = Decoder.UnknownLabels, Palette = palette.RootElement },
                Network = Architecture,
                Training = Training,
            },
            Json);
    }

    /// <exception cref="FormatException">The description is damaged or of a later version.</exception>
    public static SynthesisModel FromJson(string json)
    {
        try
        {
            var document = JsonSerializer.Deserialize<Document>(json, Json) ?? throw new FormatException("The model's description is empty.");
            if (document.Format != FormatName || document.Version is not (FormatVersion or ModulatedFormatVersion))
                throw new FormatException(
                    $"The model is '{document.Format}' version {document.Version}; this CrnMlNet reads '{FormatName}' versions {FormatVersion} and {ModulatedFormatVersion}.");
            var palette = LabelPalette.FromJson(document.Labels.Palette.GetRawText());
            document.Network.Validate();
            if (document.Network.Channels != palette.ChannelCount)
                throw new FormatException(
                    $"The model's network has {document.Network.Channels} channels, but its palette needs {palette.ChannelCount}.");
            if (string.IsNullOrWhiteSpace(document.InputColumn) || string.IsNullOrWhiteSpace(document.OutputColumn))
                throw new FormatException("The model's description names no input or output column.");
            OutputColumns.Check(document.OutputImage, document.OutputKind, document.Network);
            return new SynthesisModel(
                document.InputColumn, document.OutputColumn,
                new LabelDecoder(palette, document.Labels.Encoding, document.Labels.Unknown), document.Network, document.Training)
            {
                LabelFolder = document.LabelFolder,
                OutputKind = document.OutputKind,
                OutputImage = document.OutputImage,
            };
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NotSupportedException or InvalidOperationException)
        {
            throw new FormatException($"The model's description is damaged: {e.Message}", e);
        }
    }

    /// <summary>Checks that a network of this size has room in this machine, before its weights are unpacked.</summary>
    /// <exception cref="InsufficientMemoryException">It has not.</exception>
    public void CheckMemory() => MemoryEstimate.CheckSynthesis(Architecture);

    /// <summary>Checks that the weights are as many as the network needs, before any memory is taken for them.</summary>
    /// <exception cref="FormatException">They are not.</exception>
    public void CheckSize(SafetensorsHeader header)
    {
        long stored = header.Tensors.Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size));
        long needed = Architecture.ParameterCount();
        if (stored != needed)
            throw new FormatException($"The model's weights are {stored:N0} numbers; its network needs {needed:N0}.");
    }

    private sealed record Document
    {
        public required string Format { get; init; }
        public required int Version { get; init; }
        public required string InputColumn { get; init; }
        public string? LabelFolder { get; init; }
        public required string OutputColumn { get; init; }
        public OutputKind OutputKind { get; init; }
        public int? OutputImage { get; init; }
        public required Labels Labels { get; init; }
        public required SynthesisArchitecture Network { get; init; }
        public required TrainingRecord Training { get; init; }
    }

    private sealed record Labels
    {
        public required LabelEncoding Encoding { get; init; }
        public required UnknownLabelPolicy Unknown { get; init; }
        public required JsonElement Palette { get; init; }
    }
}
