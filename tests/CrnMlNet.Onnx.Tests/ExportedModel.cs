using CrnMlNet.Data;
using CrnMlNet.Persistence;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Onnx.Tests;

/// <summary>A model of random weights, exported to a file of its own, and what both make of the same ids.</summary>
internal sealed class ExportedModel : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("crn-onnx").FullName;
    private readonly CascadedRefinementNetwork _network;

    public ExportedModel(CrnArchitecture architecture, LabelPalette palette, OnnxInput input = OnnxInput.ClassIds, long largestFile = int.MaxValue)
    {
        TorchBackend.Start();
        Input = input;
        _network = new CascadedRefinementNetwork(architecture, seed: 3);
        // Normalisation begins as 1 and 0, and would hide that one was taken for the other.
        using (no_grad())
        using (NewDisposeScope())
        using (var generator = new Generator(4))
        {
            foreach (var (_, parameter) in _network.named_parameters().Where(named => named.parameter.dim() == 1))
                parameter.uniform_(0.5, 1.5, generator);
        }

        // How it was trained only matters to who saves it.
        var model = new SynthesisModel("Labels", "Synthesized", new LabelDecoder(palette, LabelEncoding.Index, UnknownLabelPolicy.Void), architecture, Training: null!);
        Model = new SynthesizeFromLabelsTransformer(new MLContext(), model, _network);
        OnnxExporter.Export(Model, Path, input, largestFile);
    }

    public OnnxInput Input { get; }

    public SynthesizeFromLabelsTransformer Model { get; }

    public string Path => System.IO.Path.Combine(_folder, "model.onnx");

    public string[] Files => [.. Directory.GetFiles(_folder).Select(path => System.IO.Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    /// <summary>A session on one thread, as the network's tests are.</summary>
    public InferenceSession Open()
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        return new InferenceSession(Path, options);
    }

    /// <summary>What ONNX Runtime makes of channels <c>[N, H, W]</c> of the palette.</summary>
    public (float[] Photos, int[] Shape) Run(byte[] channels, int count)
    {
        var architecture = Model.Architecture;
        int[] plane = [count, architecture.Height, architecture.Width];
        NamedOnnxValue input;
        if (Input == OnnxInput.ClassIds)
        {
            byte[] ids = [.. channels.Select(channel => (byte)(channel == Model.Palette.VoidChannel ? Model.Palette.VoidIds[0] : Model.Palette.Classes[channel].Id))];
            input = NamedOnnxValue.CreateFromTensor(OnnxExporter.IdsName, new DenseTensor<byte>(ids, plane));
        }
        else
        {
            var layout = new DenseTensor<float>([count, architecture.Channels, architecture.Height, architecture.Width]);
            for (int n = 0, i = 0; n < count; n++)
                for (int y = 0; y < architecture.Height; y++)
                    for (int x = 0; x < architecture.Width; x++)
                        layout[n, channels[i++], y, x] = 1;
            input = NamedOnnxValue.CreateFromTensor(OnnxExporter.LayoutName, layout);
        }
        using var session = Open();
        using var results = session.Run([input]);
        var photos = Assert.Single(results).AsTensor<float>();
        return (photos.ToArray(), photos.Dimensions.ToArray());
    }

    /// <summary>What the network itself makes of them on libtorch, clipped.</summary>
    public float[] RunNetwork(byte[] channels, int count)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var ids = torch.tensor(channels, [count, Model.Architecture.Height, Model.Architecture.Width]);
        return _network.forward(SemanticLayout.OneHot(ids, Model.Architecture.Channels)).clamp(0, 255).contiguous().data<float>().ToArray();
    }

    public void Dispose()
    {
        Model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
