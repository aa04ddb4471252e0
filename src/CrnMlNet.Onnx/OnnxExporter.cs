using System.Globalization;
using System.Reflection;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Onnx;

/// <summary>Writes models as ONNX graphs, which ONNX Runtime and ML.NET's <c>ApplyOnnxModel</c> run without CrnMlNet and libtorch.</summary>
public static class OnnxExporter
{
    /// <summary>The name of the photos in an exported model.</summary>
    public const string PhotoName = "photo";

    /// <summary>The name of <see cref="OnnxInput.ClassIds"/> in an exported model.</summary>
    public const string IdsName = "ids";

    /// <summary>The name of <see cref="OnnxInput.OneHot"/> in an exported model.</summary>
    public const string LayoutName = "layout";

    /// <summary>The most bytes that protobuf's readers take in one file, with room for the graph itself.</summary>
    private const long LargestFile = int.MaxValue - (16 << 20);

    /// <summary>
    /// Writes a model as ONNX, operator set 17, float32. The batch is of any size; height and width are the model's.
    /// </summary>
    /// <param name="model">The model. It is not changed.</param>
    /// <param name="path">
    /// The file, usually <c>*.onnx</c>; an existing one is replaced. It appears whole or not at all. Weights of 2 GB and more
    /// are written to <paramref name="path"/> with <c>.data</c> added, which then has to stay beside it.
    /// </param>
    /// <param name="input">What the exported model takes.</param>
    /// <remarks>
    /// <para>The output is <see cref="PhotoName"/>, RGB of float32 from 0 to 255, not rounded: <c>[N, 3, H, W]</c>, or
    /// <c>[N, k, 3, H, W]</c> of a model of k images. Sizes are the model's; label images of another size are to be resized by
    /// nearest neighbour before.</para>
    /// <para>The metadata has the classes (<c>classes</c>, by channel, separated by commas), the palette (<c>palette</c>, JSON that
    /// <see cref="LabelPalette.FromJson"/> reads) and <c>height</c> and <c>width</c>.</para>
    /// </remarks>
    /// <exception cref="InvalidOperationException">The model's network is of another kind than cascaded refinement.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public static void Export(SynthesizeFromLabelsTransformer model, string path, OnnxInput input = OnnxInput.ClassIds)
        => Export(model, path, input, LargestFile);

    /// <param name="model">See there.</param>
    /// <param name="path">See there.</param>
    /// <param name="input">See there.</param>
    /// <param name="largestFile">Weights of more bytes than this are written to a file of their own.</param>
    internal static void Export(SynthesizeFromLabelsTransformer model, string path, OnnxInput input, long largestFile)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(path);
        model.WithNetwork(network =>
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            if (network is not CascadedRefinementNetwork cascade)
                throw new InvalidOperationException($"Only cascaded refinement networks are exported to ONNX; this model has a {network.Architecture.Name} (recipe {model.Training.Recipe}).");
            var graph = Graph(cascade, model.Palette, input);
            bool external = graph.WeightBytes > largestFile;
            var whole = graph.ToModel(Metadata(model), external ? Path.GetFileName(WeightsPath(path)) : null, Version());
            if (external)
                AtomicFile.Write(WeightsPath(path), graph.WriteWeights);
            AtomicFile.Write(path, whole.WriteTo);
            if (!external)
                File.Delete(WeightsPath(path));
            return true;
        });
    }

    /// <summary>Where the weights of a model lie that is too large for one file: beside it.</summary>
    /// <param name="path">The model's file.</param>
    public static string WeightsPath(string path) => path + ".data";

    private static OnnxGraph Graph(CascadedRefinementNetwork network, LabelPalette palette, OnnxInput input)
    {
        var architecture = network.Architecture;
        var graph = new OnnxGraph("CascadedRefinementNetwork");
        string layout = input == OnnxInput.OneHot
            ? graph.Input(LayoutName, OnnxType.Float32, "one channel per class, void last; each pixel sums to one", architecture.Channels, architecture.Height, architecture.Width)
            : LayoutOfIds(graph, architecture, palette);
        CascadedRefinementGraph.Add(graph, network, layout, PhotoName);
        long[] photo = [3, architecture.Height, architecture.Width];
        graph.Output(PhotoName, OnnxType.Float32, "RGB, 0 to 255", architecture.ImagesPerLayout == 1 ? photo : [architecture.ImagesPerLayout, .. photo]);
        return graph;
    }

    private static string LayoutOfIds(OnnxGraph graph, SynthesisArchitecture architecture, LabelPalette palette)
    {
        int largest = palette.Classes.Select(label => label.Id).Concat(palette.VoidIds).Max();
        var type = largest <= byte.MaxValue ? OnnxType.UInt8 : OnnxType.UInt16;
        string ids = graph.Input(IdsName, type, "the palette's ids, as in an index label image", architecture.Height, architecture.Width);
        string channels = graph.Node("channels", "Gather", [
            graph.Constant("channel_of_id", ChannelOfId(palette, type == OnnxType.UInt8 ? byte.MaxValue : ushort.MaxValue)),
            graph.Node("ids_int64", "Cast", [ids], ("to", (long)OnnxType.Int64)),
        ]);
        return graph.Node("one_hot", "OneHot",
            [channels, graph.Constant("depth", architecture.Channels), graph.Constant("off_on", [0f, 1f], 2)], ("axis", 1L));
    }

    private static long[] ChannelOfId(LabelPalette palette, int largestId)
    {
        var channels = new long[largestId + 1];
        Array.Fill(channels, palette.VoidChannel);
        for (int channel = 0; channel < palette.Classes.Count; channel++)
            channels[palette.Classes[channel].Id] = channel;
        return channels;
    }

    private static IEnumerable<(string Key, string Value)> Metadata(SynthesizeFromLabelsTransformer model) =>
    [
        ("classes", string.Join(",", model.Palette.Classes.Select(label => label.Name).Append("void"))),
        ("palette", model.Palette.ToJson()),
        ("height", model.Architecture.Height.ToString(CultureInfo.InvariantCulture)),
        ("width", model.Architecture.Width.ToString(CultureInfo.InvariantCulture)),
    ];

    private static string Version() => typeof(OnnxExporter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
