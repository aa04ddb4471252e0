using System.CommandLine;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn train</c>: a folder of label images and one of photos in, a model out.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var defaults = new SynthesizeFromLabelsEstimator.Options();
        var labels = new Option<string>("--labels")
        {
            Description = "Folder of the label images (.png, .bmp, .gif): gray values (of up to 16 bits) or palette indices are ids, or colours are classes.",
            HelpName = "DIR",
            Required = true,
        };
        var photos = new Option<string>("--photos")
        {
            Description = "Folder of the photos (.png, .jpg, .bmp, .webp). A photo goes with the label image of the same name.",
            HelpName = "DIR",
            Required = true,
        };
        var output = new Option<string>("--output", "-o") { Description = "The model file to write.", HelpName = "model.zip", Required = true };
        var palette = PaletteOption.Create(defaults.Palette);
        var recipe = RecipeOption.Create();
        var height = new Option<int>("--height") { Description = "Height of the photos to paint, in pixels.", HelpName = "N", DefaultValueFactory = _ => defaults.Height };
        var width = new Option<int>("--width") { Description = "Width of the photos to paint, in pixels.", HelpName = "N", DefaultValueFactory = _ => defaults.Width };
        var epochs = new Option<int>("--epochs") { Description = "How often each pair is seen.", HelpName = "N", DefaultValueFactory = _ => defaults.Epochs };
        var stages = StagesOption.Create();
        var batchSize = new Option<int>("--batch-size") { Description = "Pairs in a training step.", HelpName = "N", DefaultValueFactory = _ => defaults.BatchSize };
        var learningRate = new Option<double?>("--learning-rate") { Description = "Adam's learning rate. [default: the recipe's: 0.00025 of the default, mostly 0.001 of others]", HelpName = "X" };
        var learningRateDecay = new Option<double?>("--learning-rate-decay")
        {
            Description = "The last share of the training over which the learning rate falls to zero, 0 to 1, of its epochs or its time budget; 0: it is constant. [default: the recipe's: 0.5 of the default, 0 of others]",
            HelpName = "X",
        };
        var averageDecay = new Option<double?>("--average-decay")
        {
            Description = "The model is an average of the weights over some 1 / (1 - X) steps instead of the last ones; 0: it is not. [default: the recipe's, 0.999 with texture and 0 without]",
            HelpName = "X",
        };
        var widthFactor = new Option<double>("--width-factor")
        {
            Description = "Factor on the number of feature maps, 1/64 to 4; 1 is the paper's network, for a GPU. Time and memory grow with its square.",
            HelpName = "X",
            DefaultValueFactory = _ => defaults.WidthFactor,
        };
        var noiseChannels = new Option<int>("--noise-channels")
        {
            Description = "Channels of fixed noise beside the layout of every module, from which texture grows; 0 is the paper's network.",
            HelpName = "N",
            DefaultValueFactory = _ => defaults.NoiseChannels,
        };
        var noiseSamples = new Option<int?>("--noise-samples")
        {
            Description = "How noise is drawn: 0, always the same; 1, anew in every step, for 'crn synthesize --sample-seed'; more, and the nearest photo of so many learns. [default: the recipe's, mostly 0]",
            HelpName = "N",
        };
        var modulation = EnumOption.Create<Modulation>(
            "--modulation",
            "Whether the layout scales and shifts what a module has normalised: class by class (clade), or by convolutions, at about twice the time (spade). [default: the recipe's, clade with texture and none without]");
        var imagesPerLayout = new Option<int?>("--images-per-layout")
        {
            Description = "Different photos to paint of each layout, 1 to 64. [default: the recipe's, mostly 1]",
            HelpName = "N",
        };
        var diversity = EnumOption.Create("--diversity", "Which of several photos of a layout learn from a real one: for each class the nearest (the paper's Eq. 3), or the nearest as a whole (Eq. 2).", defaults.Diversity);
        var layerWeights = new Option<string>("--layer-weights")
        {
            Description = $"The layers in which photos are compared: {string.Join(", ", LayerWeighting.Names)}, paper:N with the epochs after which they are rescaled, or a number for each.",
            HelpName = "NAME|X,X,...",
            DefaultValueFactory = _ => defaults.LayerWeights.ToString(),
        };
        var seed = new Option<int?>("--seed") { Description = "Seeds weights, order and mirroring. [default: 0]", HelpName = "N" };
        var validationLabels = new Option<string?>("--validation-labels")
        {
            Description = "Folder of label images that are not learned from: after every epoch the network is measured on them, and the model is that of the best epoch.",
            HelpName = "DIR",
        };
        var validationPhotos = new Option<string?>("--validation-photos") { Description = "Folder of their photos.", HelpName = "DIR" };
        var validationShare = new Option<double?>("--validation-share")
        {
            Description = "Instead of folders of their own: the share of the pairs, the last ones by name, to measure on and not to learn from, such as 0.1.",
            HelpName = "X",
        };
        var patience = new Option<int?>("--patience")
        {
            Description = "End training after this many epochs in which the validation loss reached no new minimum. [default: never]",
            HelpName = "N",
        };
        var timeBudget = Duration.Option("--time-budget", "End training after this much time, with a model as ever. [default: no limit]");
        var warmStart = new Option<string?>("--warm-start")
        {
            Description = "A model to start from instead of from chance, of another size too: what fits of it is copied.",
            HelpName = "model.zip",
        };
        var gradientCheckpointing = new Option<bool?>("--gradient-checkpointing")
        {
            Description = "Run modules once more in the backward pass instead of keeping their feature maps: far less memory, a third more time, the same model. [default: when memory would not suffice otherwise]",
            HelpName = "true|false",
        };
        var device = DeviceOption.Create();
        var unknownLabels = UnknownLabelsOption.Create("What to do with ids and colours that the palette lacks.");
        var labelEncoding = EnumOption.Create("--label-encoding", "How label images show classes; auto finds out.", defaults.LabelEncoding);
        var vivid = new Option<bool>("--vivid")
        {
            Description = "Learn from photos in vivid tones, as the paper's authors did at 512x1024 and 1024x2048; 'crn vivid' shows what that looks like.",
        };
        var halfPrecision = new Option<bool>("--half-precision") { Description = "Save the model's weights as float16: half the bytes, photos that differ by less than a gray level in most pixels." };
        var noMirror = new Option<bool>("--no-mirror") { Description = "Don't mirror pairs left to right half of the time." };
        var colourJitter = new Option<double>("--colour-jitter") { Description = "Change the photos' brightness and saturation by chance, by factors up to so far from 1. [default: 0]", HelpName = "X" };
        var perception = EnumOption.Create("--perception", "In which network photos are compared; auto is VGG-19 where it was imported (crn import vgg19), and otherwise filters; selftaught learns from the pairs first.", defaults.Perception);
        var perceptionEpochs = new Option<int>("--perception-epochs") { Description = "How often each pair is seen by a perception network that teaches itself.", HelpName = "N", DefaultValueFactory = _ => defaults.PerceptionEpochs };
        var perceptionWeights = new Option<string?>("--perception-weights") { Description = "A file of VGG-19's weights to compare with instead of the imported ones.", HelpName = "FILE" };
        string[] normalisations = [.. Vgg19Normalisation.Known.Select(known => known.Name)];
        var perceptionNormalisation = new Option<string?>("--perception-normalisation")
        {
            Description = "What the weights in that file expect of images, if not what the file gives evidence of. [default: found out]",
            HelpName = string.Join('|', normalisations),
        }.AcceptOnlyFromAmong(normalisations);
        var precision = EnumOption.Create("--precision", "In which numbers 3x3 convolutions compute; auto is bfloat16 on a GPU and float32 on the CPU.", defaults.TrainingPrecision);
        var photoFeatureMemory = new Option<int>("--photo-feature-memory")
        {
            Description = "Memory in MiB for what the perception network sees in photos, kept from one epoch to the next.",
            HelpName = "N",
            DefaultValueFactory = _ => (int)(defaults.PhotoFeatureMemory >> 20),
        };
        var photoFeatureFolder = new Option<string?>("--photo-feature-folder") { Description = "A folder for a temporary file with what that memory has no room for. [default: it is worked out anew]", HelpName = "DIR" };
        var segmenter = new Option<string?>("--segmenter")
        {
            Description = "A segmentation network (crn train-segmenter) for the recipes with semseg. [default: one is trained on the pairs first]",
            HelpName = "FILE",
        };
        var checkpoints = new Option<string?>("--checkpoints")
        {
            Description = "Where the training is kept while it runs, to be continued after a stop or a crash; removed when it is done. [default: beside the model, its name with .checkpoints]",
            HelpName = "DIR",
        };
        var checkpointInterval = Duration.Option("--checkpoint-interval", "The longest time between two checkpoints; there is one after every epoch, too. [default: 5m]");
        var fresh = new Option<bool>("--fresh") { Description = "Begin anew, even where a training could be continued." };
        var samples = new Option<string?>("--samples")
        {
            Description = "Where to write the sample sheet (label | photo | synthesized) after every epoch. [default: beside the model, its name with .samples.png]",
            HelpName = "FILE.png",
        };
        var sampleCount = new Option<int>("--sample-count") { Description = "Pairs on the sample sheet; 0 for no sheet.", HelpName = "N", DefaultValueFactory = _ => 4 };

        var command = new Command("train",
            $"""
            Trains a model on pairs of label images and photos.

            Example:
              crn train --labels data/labels --photos data/photos --palette camvid --height 96 --width 128 --output model.zip
              crn train --labels data/labels --photos data/photos --output model.zip --epochs 200 --validation-share 0.1 --patience 10 --time-budget 8h
              crn train --labels data/labels --photos data/photos --output model.zip --stages 96x128:20,192x256:10

            Everything is checked before training starts. Ctrl-C ends training after the current step and saves what was learned; pressed again, it ends crn at once.
            The same command again continues a training that was stopped or died; with more --epochs it goes on longer.

            Recipes, each a network and what it minimizes:
            {RecipeOption.Lines}
            """)
        {
            labels, photos, output, palette, recipe, height, width, epochs, stages, batchSize, learningRate, learningRateDecay, averageDecay, widthFactor, noiseChannels, noiseSamples, modulation,
            imagesPerLayout, diversity, layerWeights, seed, device,
            validationLabels, validationPhotos, validationShare, patience, timeBudget, warmStart, gradientCheckpointing,
            unknownLabels, labelEncoding, vivid, halfPrecision, noMirror, colourJitter, perception, perceptionEpochs, perceptionWeights, perceptionNormalisation, precision, photoFeatureMemory, photoFeatureFolder, segmenter, checkpoints, checkpointInterval, fresh, samples, sampleCount,
        };
        command.SetAction(parsed =>
        {
            var model = parsed.GetRequiredValue(output);
            if (StagesOption.ValueIn(parsed, stages) is not null && new Option[] { height, width, epochs }.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
                throw new ArgumentException($"--stages says sizes and epochs, so leave {given.Name} out.");
            var system = RecipeOption.ValueIn(parsed, recipe);
            var options = new SynthesizeFromLabelsEstimator.Options
            {
                Palette = LabelPalette.Parse(parsed.GetRequiredValue(palette)),
                Recipe = system,
                Height = parsed.GetRequiredValue(height),
                Width = parsed.GetRequiredValue(width),
                Epochs = parsed.GetRequiredValue(epochs),
                Stages = StagesOption.ValueIn(parsed, stages),
                BatchSize = parsed.GetRequiredValue(batchSize),
                LearningRate = parsed.GetValue(learningRate) ?? system.LearningRate,
                LearningRateDecay = parsed.GetValue(learningRateDecay) ?? system.LearningRateDecay,
                AverageDecay = parsed.GetValue(averageDecay) ?? system.AverageDecay,
                WidthFactor = parsed.GetRequiredValue(widthFactor),
                NoiseChannels = parsed.GetRequiredValue(noiseChannels),
                Modulation = parsed.GetValue(modulation) is null ? system.Modulation : EnumOption.ValueIn<Modulation>(parsed, modulation),
                NoiseSamples = parsed.GetValue(noiseSamples) ?? system.NoiseSamples,
                ImagesPerLayout = parsed.GetValue(imagesPerLayout) ?? system.ImagesPerLayout,
                Diversity = EnumOption.ValueIn<Diversity>(parsed, diversity),
                LayerWeights = LayerWeighting.Parse(parsed.GetRequiredValue(layerWeights)),
                Seed = parsed.GetValue(seed),
                Device = parsed.GetValue(device),
                UnknownLabels = UnknownLabelsOption.ValueIn(parsed, unknownLabels),
                LabelEncoding = EnumOption.ValueIn<LabelEncoding>(parsed, labelEncoding),
                PhotoPreprocessing = parsed.GetValue(vivid) ? PhotoPreprocessing.Vivid : PhotoPreprocessing.None,
                StoresHalfPrecision = parsed.GetValue(halfPrecision),
                Mirror = !parsed.GetValue(noMirror),
                ColourJitter = parsed.GetValue(colourJitter),
                EarlyStoppingPatience = parsed.GetValue(patience),
                TimeBudget = parsed.GetValue(timeBudget),
                GradientCheckpointing = parsed.GetValue(gradientCheckpointing),
                WarmStartModelPath = parsed.GetValue(warmStart),
                Perception = EnumOption.ValueIn<PerceptionChoice>(parsed, perception),
                PerceptionEpochs = parsed.GetRequiredValue(perceptionEpochs),
                PerceptionWeightsPath = parsed.GetValue(perceptionWeights),
                PerceptionNormalisation = parsed.GetValue(perceptionNormalisation) is { } name ? Vgg19Normalisation.Parse(name) : null,
                TrainingPrecision = EnumOption.ValueIn<TrainingPrecision>(parsed, precision),
                PhotoFeatureMemory = (long)parsed.GetRequiredValue(photoFeatureMemory) << 20,
                PhotoFeatureFolder = parsed.GetValue(photoFeatureFolder),
                SegmenterPath = parsed.GetValue(segmenter),
                CheckpointFolder = parsed.GetValue(checkpoints) ?? model + ".checkpoints",
                CheckpointInterval = parsed.GetValue(checkpointInterval) ?? defaults.CheckpointInterval,
                KeepCheckpoint = true, // until the model is saved
            };
            var folders = new PairFolders(
                parsed.GetRequiredValue(labels), parsed.GetRequiredValue(photos),
                parsed.GetValue(validationLabels), parsed.GetValue(validationPhotos), parsed.GetValue(validationShare));
            return new TrainingRun(
                options, folders, model,
                parsed.GetValue(samples) ?? Path.ChangeExtension(model, ".samples.png"), parsed.GetRequiredValue(sampleCount), parsed.GetValue(fresh)).Execute();
        });
        return command;
    }
}
