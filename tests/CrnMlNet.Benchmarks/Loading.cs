using System.Diagnostics;
using CrnMlNet.Data;
using CrnMlNet.Persistence;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using Microsoft.ML;

namespace CrnMlNet.Benchmarks;

/// <summary>How long a model of the paper's size takes to be saved and loaded, and how much its first photo takes beyond the others.</summary>
internal static class Loading
{
    /// <summary>Prints a row for full and for half precision.</summary>
    public static void Report()
    {
        TorchBackend.Start();
        var folder = Directory.CreateTempSubdirectory("crn-benchmark");
        try
        {
            var palette = LabelPalette.Cityscapes;
            var architecture = new CrnArchitecture { Channels = palette.ChannelCount, Height = 256, Width = 512 };
            // How it was trained is not what is measured.
            var training = new TrainingRecord
            {
                Pairs = 1,
                Steps = 0,
                BatchSize = 1,
                LearningRate = 1e-4,
                Mirror = false,
                Seed = 1,
                Stopped = false,
                Seconds = 0,
                Perception = "none",
                LayerWeights = new Dictionary<string, double>(),
                LossByEpoch = [],
            };
            var model = new SynthesisModel("Labels", "Synthesized", new LabelDecoder(palette, LabelEncoding.Index, UnknownLabelPolicy.Void), architecture, training);
            var mlContext = new MLContext();
            using var transformer = new SynthesizeFromLabelsTransformer(mlContext, model, new CascadedRefinementNetwork(architecture, seed: 1));
            Console.WriteLine($"{architecture.ParameterCount():N0} parameters, 256x512");
            Console.WriteLine("weights        saved in    file     loaded in   first photo   next photo");
            foreach (bool isHalf in new[] { false, true })
            {
                transformer.StoresHalfPrecision = isHalf;
                string path = Path.Combine(folder.FullName, $"{isHalf}.zip");
                double saving = Timing.Seconds(() => mlContext.Model.Save(transformer, null, path));
                SynthesizeFromLabelsTransformer? loaded = null;
                double loading = Timing.Seconds(() => loaded = (SynthesizeFromLabelsTransformer)mlContext.Model.Load(path, out _));
                var channels = new byte[256 * 512];
                double Paint() => Timing.Seconds(() => loaded!.SynthesizeAll(channels)[0].Dispose());
                var (first, next) = (Paint(), Paint());
                loaded!.Dispose();
                Console.WriteLine($"{(isHalf ? "float16" : "float32"),-12} {saving,8:0.0} s {MemoryEstimate.Show(new FileInfo(path).Length),9} {loading,9:0.0} s {first,11:0.0} s {next,10:0.0} s");
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
