using System.CommandLine;
using System.Diagnostics;
using CrnMlNet.Data;
using CrnMlNet.Evaluation;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn evaluate</c>: how near synthesized photos are to real ones.</summary>
internal static class EvaluateCommand
{
    private const string ImportedVgg19 = "vgg19";

    public static Command Create()
    {
        var defaults = new EvaluationOptions();
        var model = new Option<string?>("--model", "-m") { Description = "The model that 'crn train' made: it paints the label images.", HelpName = "model.zip" };
        var synthesized = new Option<string?>("--synthesized") { Description = "Instead of a model: folder of synthesized photos, of the real photos' names; NAME.1.png and so on beside NAME.png are more of the same layout.", HelpName = "DIR" };
        var labels = new Option<string?>("--labels") { Description = "Folder of label images that the model has not seen. With --synthesized it may be left out, and with it what needs layouts.", HelpName = "DIR" };
        var photos = new Option<string>("--photos") { Description = "Folder of the real photos, of the same names.", HelpName = "DIR", Required = true };
        var palette = PaletteOption.Create(LabelPalette.CamVid, "With --synthesized: the classes");
        var unknownLabels = UnknownLabelsOption.Create("With --synthesized: what becomes of ids and colours that the palette lacks.");
        var segmenter = new Option<string?>("--segmenter") { Description = "What 'crn train-segmenter' made: finds layouts in the photos again.", HelpName = "FILE" };
        var features = new Option<string?>("--features") { Description = "In what sets of photos are compared: 'vgg19', the imported one, or the file of the FID's Inception, pytorch-fid's pt_inception-2015-12-05-6726825d.pth. [default: the segmenter, or without one the bank of frequency filters]", HelpName = $"{ImportedVgg19}|FILE" };
        var lpipsTrunk = new Option<string?>("--lpips-trunk") { Description = "LPIPS 0.1: torchvision's alexnet-owt-7be5be79.pth, vgg16-397923af.pth or squeezenet1_1-b8a52dc0.pth.", HelpName = "FILE" };
        var lpipsHeads = new Option<string?>("--lpips-heads") { Description = "Its linear heads: alex.pth, vgg.pth or squeeze.pth of richzhang/PerceptualSimilarity, lpips/weights/v0.1.", HelpName = "FILE" };
        var trainingPhotos = new Option<string?>("--training-photos") { Description = "Folder of the photos that the model was trained on: are any painted over again?", HelpName = "DIR" };
        var resamples = new Option<int>("--resamples") { Description = "How often pairs are drawn anew for the 95% intervals; 0 leaves them out.", HelpName = "N", DefaultValueFactory = _ => defaults.Resamples };
        var seed = new Option<int>("--seed") { Description = "Seeds what is drawn.", HelpName = "N" };
        var device = DeviceOption.Create();
        var json = new Option<bool>("--json") { Description = "Write one line of JSON instead, for scripts: everything that was measured, and how." };
        var command = new Command("evaluate",
            """
            Compares synthesized photos with real ones of the same layouts, and beside them each class painted flat in its mean colour.

            Examples:
              crn evaluate --model model.zip --labels data/val/labels --photos data/val/photos
              crn evaluate --model model.zip --labels data/val/labels --photos data/val/photos --segmenter segmenter.safetensors --training-photos data/train/photos
              crn evaluate --synthesized painted --photos data/val/photos --json

            Sliced Wasserstein, kernel and Frechet distances compare sets of photos: textures, and what a network sees in them. Perceptual distance, MS-SSIM
            and PSNR compare photo by photo; PSNR prefers blur. The power spectrum tells blur (below 0 dB) from noise. Mean IoU and accuracies tell whether
            a segmenter finds the layouts in the photos; on the real photos it is the ceiling. Compare only numbers of the same protocol.
            Of several photos of a layout the first is compared; one more table tells how much nearer the best of them is, and how they differ.
            """)
        {
            model, synthesized, labels, photos, palette, unknownLabels, segmenter, features, lpipsTrunk, lpipsHeads, trainingPhotos, resamples, seed, device, json,
        };
        command.SetAction(parsed => Run(
            new Sources(
                parsed.GetValue(model), parsed.GetValue(synthesized), parsed.GetValue(labels), parsed.GetRequiredValue(photos), parsed.GetValue(trainingPhotos),
                parsed.GetRequiredValue(palette), UnknownLabelsOption.ValueIn(parsed, unknownLabels)),
            new Networks(parsed.GetValue(segmenter), parsed.GetValue(features), parsed.GetValue(lpipsTrunk), parsed.GetValue(lpipsHeads), parsed.GetValue(device)),
            new EvaluationOptions { Resamples = parsed.GetRequiredValue(resamples), Seed = parsed.GetValue(seed) },
            parsed.GetValue(json)));
        return command;
    }

    private static int Run(Sources sources, Networks networks, EvaluationOptions options, bool json)
    {
        sources.Check();
        using var opened = networks.Open();
        var evaluation = json
            ? Evaluate(sources, opened.Into(options), _ => { })
            : ProgressView.Show(view => Evaluate(sources, opened.Into(options), view.Report));
        if (json)
            Console.WriteLine(EvaluationView.ToJson(evaluation));
        else
            EvaluationView.Write(evaluation);
        return ExitCode.Success;
    }

    private static SynthesisEvaluation Evaluate(Sources sources, EvaluationOptions options, Action<Progress> report)
    {
        var clock = Stopwatch.StartNew();
        string stage = "";
        options = options with { Progress = progress => Report(progress.Stage, progress.Done, progress.Total, progress.Measure) };
        return sources.Model is { } path ? OfModel(path) : OfFolder(sources.Synthesized!);

        SynthesisEvaluation OfModel(string path)
        {
            var pairs = LabelPhotoPairs.FromFolders(sources.Labels!, sources.Photos);
            using var model = ModelFile.Load(new MLContext(), path);
            var real = RealPairs.For(model, pairs.Select((pair, i) =>
            {
                Report("Reading", i + 1, pairs.Count, "");
                return pair;
            }));
            return SynthesisEvaluation.Of(model, real, options with { TrainingPhotos = sources.LoadTrainingPhotos(real.Height, real.Width, model.Training.PhotoPreprocessing) });
        }

        SynthesisEvaluation OfFolder(string folder)
        {
            var pairs = sources.Labels is { } labels ? LabelPhotoPairs.FromFolders(labels, sources.Photos) : null;
            var names = pairs?.ToDictionary(pair => pair.Name, pair => pair.PhotoPath) ?? LabelPhotoPairs.PhotosIn(sources.Photos);
            var synthesized = new SynthesizedFolder(folder, [.. names.Keys], sources.Photos);
            RealPairs real;
            if (pairs is null)
            {
                real = new RealPairs([.. Photos(names.Values, synthesized.Height, synthesized.Width, PhotoPreprocessing.None)]);
            }
            else
            {
                var mlContext = new MLContext();
                real = RealPairs.Read(mlContext, TrainingData.Load(mlContext, pairs, read => Report("Reading", read, pairs.Count, "")), new PairColumns
                {
                    Palette = LabelPalette.Parse(sources.Palette),
                    UnknownLabels = sources.UnknownLabels,
                    Height = synthesized.Height,
                    Width = synthesized.Width,
                });
            }
            return SynthesisEvaluation.Of(
                synthesized.Load(loaded => Report("Loading", loaded, names.Count, "")), real,
                options with { TrainingPhotos = sources.LoadTrainingPhotos(real.Height, real.Width, PhotoPreprocessing.None) });
        }

        void Report(string now, int done, int total, string detail)
        {
            if (stage != now)
                clock.Restart();
            stage = now;
            string left = done == 0 ? "" : ProgressView.Clock(clock.Elapsed, done, total);
            report(new Progress(now, done, total, $"{left}  {detail}".Trim()));
        }
    }

    private static IEnumerable<RgbImage> Photos(IEnumerable<string> files, int height, int width, PhotoPreprocessing preprocessing)
    {
        foreach (string file in files)
        {
            using var photo = ImageFile.Load(file);
            yield return RgbImage.From(photo, height, width, preprocessing);
        }
    }

    /// <summary>What is compared.</summary>
    private sealed record Sources(
        string? Model, string? Synthesized, string? Labels, string Photos, string? TrainingPhotos, string Palette, UnknownLabelPolicy UnknownLabels)
    {
        public void Check()
        {
            if (Model is null == Synthesized is null)
                throw new ArgumentException("Give a model to paint with (--model), or photos that were painted (--synthesized); one of them.");
            if (Model is not null && Labels is null)
                throw new ArgumentException("A model needs label images to paint: give their folder with --labels.");
            if (TrainingPhotos is not null)
                LabelPhotoPairs.PhotosIn(TrainingPhotos);
        }

        public IEnumerable<RgbImage>? LoadTrainingPhotos(int height, int width, PhotoPreprocessing preprocessing) =>
            TrainingPhotos is null ? null : EvaluateCommand.Photos(LabelPhotoPairs.PhotosIn(TrainingPhotos).Values, height, width, preprocessing);
    }

    /// <summary>The networks in which photos are compared, not yet loaded.</summary>
    private sealed record Networks(string? Segmenter, string? Features, string? LpipsTrunk, string? LpipsHeads, string? Device)
    {
        /// <exception cref="ArgumentException">LPIPS's trunk or heads are missing.</exception>
        /// <exception cref="IOException">A file cannot be read.</exception>
        /// <exception cref="FormatException">A file is damaged or another one.</exception>
        public OpenNetworks Open()
        {
            if (LpipsTrunk is null != LpipsHeads is null)
                throw new ArgumentException("--lpips-trunk and --lpips-heads go together: give both or neither.");
            TorchBackend.Start();
            var opened = new OpenNetworks();
            try
            {
                if (Segmenter is not null)
                    opened.Segmenter = Evaluation.Segmenter.Load(Segmenter, Device);
                if (LpipsTrunk is not null)
                    opened.Perceptual = PerceptualDistance.Lpips(LpipsTrunk, LpipsHeads!);
                if (Features == ImportedVgg19)
                    opened.Vgg19 = Vgg19Import.Open(CPU);
                else if (Features is not null)
                    opened.Inception = InceptionFile.Read(Features);
                return opened;
            }
            catch
            {
                opened.Dispose();
                throw;
            }
        }
    }

    private sealed class OpenNetworks : IDisposable
    {
        public Segmenter? Segmenter { get; set; }

        public PerceptualDistance? Perceptual { get; set; }

        public Vgg19? Vgg19 { get; set; }

        public (Inception Network, string Sha256)? Inception { get; set; }

        public EvaluationOptions Into(EvaluationOptions options) => options with
        {
            Segmenter = Segmenter,
            Perceptual = Perceptual,
            Extractor = Vgg19 is not null ? FeatureExtractor.Of(Vgg19) : Inception is { } inception ? FeatureExtractor.Of(inception.Network, inception.Sha256) : null,
        };

        public void Dispose()
        {
            Segmenter?.Dispose();
            Perceptual?.Dispose();
            Vgg19?.Dispose();
            Inception?.Network.Dispose();
        }
    }
}
